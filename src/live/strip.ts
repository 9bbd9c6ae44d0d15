/**
 * strip: perf script text without what names people, places and machines. Programs, files and folders become numbers,
 * addresses lose where randomisation put them; the trace that the importer makes of it stays the same.
 */
import { AddressStripper } from './strip-addresses.ts'

/** Mappings that say nothing about the machine: `[heap]`, `//anon`, `/memfd:`... keep only their kind. */
const PLAIN = /^(\[[a-z_]+\]|\/\/anon|\/anon_hugepage|\/dev\/zero|\/SYSV[0-9a-f]*)( \(deleted\))?$/
const HEAD = /^(\s*)(.*?)(\s+-?\d+\/-?\d+\s+)/
const MMAP2 = /(: [rwxsp-]{4} )(.+)$/
const INODE = /@ (\S+) ([0-9a-f]+:[0-9a-f]+ [1-9]\d*) \d+\]/
const FILENAME = /filename=(\S+)/
const COMM = /\bcomm=(.*?) (?=pid=|child_pid=|prio=|old_pid=|child_comm=)/
const CHILD_COMM = /\bchild_comm=(.*?) (?=child_pid=)/

/** Strips one line after another, once it has seen them all; the same name gets the same number. */
export class Stripper {
  readonly #addresses = new AddressStripper()
  readonly #programs = new Map<string, string>()
  readonly #files = new Map<string, string>()

  readonly #inodes = new Map<string, string>()

  /** Takes each line of the text before the first is stripped. */
  survey(text: string): void {
    this.#addresses.survey(text)
  }

  line(text: string): string {
    return this.#addresses
      .line(text)
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
