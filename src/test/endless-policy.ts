/** endless-policy: the text of a policy file, named loops, that never answers whether a page may be written in place. */
export const ENDLESS_POLICY = `import { definePolicy } from 'cowbench'
export default definePolicy({
  name: 'loops', summary: '', era: '', kernel: '6.18',
  hooks: () => ({ wpReuse() { for (;;); } }),
})
`
