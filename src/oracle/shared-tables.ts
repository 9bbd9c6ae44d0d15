/** shared-tables: which processes use one page table together, where a policy lets fork share it. */

import { HPAGE_PMD_ORDER } from '../trace/hpage.ts'

export class SharedTables {
  /** By process and table: everyone who uses it. */
  readonly #users = new Map<number, Map<number, Set<number>>>()

  get none(): boolean {
    return this.#users.size === 0
  }

  share(parent: number, child: number, vpn: number): void {
    const users = this.#get(parent, vpn) ?? new Set([parent])
    users.add(child)
    this.#put(parent, vpn, users)
    this.#put(child, vpn, users)
  }

  leave(mm: number, vpn: number): void {
    this.#get(mm, vpn)?.delete(mm)
    const tables = this.#users.get(mm)
    tables?.delete(vpn >>> HPAGE_PMD_ORDER)
    if (tables?.size === 0) this.#users.delete(mm)
  }

  /** The process is gone, and with it its use of every table. */
  drop(mm: number): void {
    if (this.none) return
    for (const users of this.#users.get(mm)?.values() ?? []) users.delete(mm)
    this.#users.delete(mm)
  }

  isSole(mm: number, vpn: number): boolean {
    return (this.#get(mm, vpn)?.size ?? 1) === 1
  }

  #get(mm: number, vpn: number): Set<number> | undefined {
    return this.#users.get(mm)?.get(vpn >>> HPAGE_PMD_ORDER)
  }

  #put(mm: number, vpn: number, users: Set<number>): void {
    let tables = this.#users.get(mm)
    if (tables === undefined) {
      tables = new Map()
      this.#users.set(mm, tables)
    }
    tables.set(vpn >>> HPAGE_PMD_ORDER, users)
  }
}
