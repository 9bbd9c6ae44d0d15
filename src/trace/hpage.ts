/**
 * hpage: 2 MiB in pages, by the kernel's names. A trace always counts on them; the machine's own tables may be smaller in
 * the small worlds of src/check (src/geometry.ts).
 */

/** Pages of a huge folio, and of what one page-table page maps. */
export const HPAGE_PMD_NR = 512
/** Order of a huge folio, the largest that an area may ask for. */
export const HPAGE_PMD_ORDER = 9
