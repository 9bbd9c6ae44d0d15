/**
 * strip: perf script text without what names people and places. Programs, files and folders become numbers; what the
 * importer reads (addresses, protections, which file is which) stays.
 */

/** Mappings that say nothing about the machine: `[heap]`, `//anon`, `/memfd:`... keep only their kind. */
const PLAIN = /^(\[[a-z_]+\]|\/\/anon|\/anon_hugepage|\/dev\/zero|\/SYSV[0-9a-f]*)( \(deleted\))?$/
const HEAD = /^(\s*)(.*?)(\s+-?\d+\/-?\d+\s+)/
const MMAP2 = /(: [rwxsp-]{4} )(.+)$/
const INODE = /@ (\S+) ([0-9a-f]+:[0-9a-f]+ [1-9]\d*) \d+\]/
const FILENAME = /filename=(\S+)/
const COMM = /\bcomm=(.*?) (?=pid=|child_pid=|prio=|old_pid=|child_comm=)/
const CHILD_COMM = /\bchild_comm=(.*?) (?=child_pid=)/

/** Strips one line after another; the same name gets the same number. */
export class Stripper {
  readonly #programs = new Map<string, string>()
  readonly #files = new Map<string, string>()

  readonly #inodes = new Map<string, string>()

  line(text: string): string {
    return text
      .replace(INODE, (_, offset, id) => `@ ${offset} 00:01 ${numbered(this.#inodes, id, '')} 0]`)
      .replace(HEAD, (_, space, comm, ids) => `${space}${this.#program(comm)}${ids}`)
      .replace(MMAP2, (_, flags, name) => `${flags}${this.#file(name)}`)
      .replace(FILENAME, (_, name) => `filename=${this.#file(name)}`)
      .replace(COMM, (_, comm) => `comm=${this.#program(comm)} `)
      .replace(CHILD_COMM, (_, comm) => `child_comm=${this.#program(comm)} `)
  }

  #program(name: string): string {
    return numbered(this.#programs, name, 'program')
  }

  #file(name: string): string {
    return PLAIN.test(name) ? name : `/${numbered(this.#files, name, 'file')}`
  }
}

function numbered(names: Map<string, string>, name: string, noun: string): string {
  const known = names.get(name) ?? `${noun}${names.size + 1}`
  names.set(name, known)
  return known
}
