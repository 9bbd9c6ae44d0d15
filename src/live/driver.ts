/** driver: the running driver program; this file sends it tests, one at a time, and takes its answers. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { LitmusTest } from '../litmus/program.ts'
import {
  ANSWER_HEADER_BYTES,
  answerLength,
  decodeAnswer,
  encodeProbe,
  encodeTest,
  type OperationSeen,
  type RequestOptions,
} from './request.ts'

/** A test that takes longer hangs: the slowest waits a second for ksmd. */
const TIMEOUT_MS = 30_000

type Child = ChildProcessByStdio<Writable, Readable, Readable>

export class LiveDriver {
  readonly #program: string
  #child: Child | undefined
  #received: Buffer[] = []
  #length = 0
  #complaint = ''
  #wake: (() => void) | undefined
  #gone = false

  constructor(program: string) {
    this.#program = program
  }

  /** Runs one test with fresh processes. What the driver says when it dies is in the Error. */
  async run(test: LitmusTest, options: RequestOptions): Promise<OperationSeen[]> {
    return await this.#ask(encodeTest(test, options))
  }

  /** Does the running kernel have this (PROBE_*)? */
  async probe(what: number): Promise<boolean> {
    const answer = await this.#ask(encodeProbe(what))
    return answer[1]?.status === 0
  }

  /** The driver leaves when its input ends. */
  close(): void {
    this.#child?.stdin.end()
    this.#child = undefined
  }

  async #ask(request: Buffer): Promise<OperationSeen[]> {
    this.#child ??= this.#start()
    this.#child.stdin.write(request)
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), TIMEOUT_MS)
    try {
      const header = await this.#take(ANSWER_HEADER_BYTES)
      return decodeAnswer(await this.#take(answerLength(header)))
    } finally {
      clearTimeout(timer)
    }
  }

  #start(): Child {
    const child = spawn(this.#program, [], { stdio: ['pipe', 'pipe', 'pipe'], env: {} })
    this.#received = []
    this.#length = 0
    this.#gone = false
    this.#complaint = ''
    child.stdout.on('data', (bytes: Buffer) => {
      this.#received.push(bytes)
      this.#length += bytes.length
      this.#wake?.()
    })
    child.stderr.on('data', (bytes: Buffer) => {
      this.#complaint += bytes.toString()
    })
    child.stdin.on('error', () => this.#end())
    child.on('error', () => this.#end())
    child.on('close', () => this.#end())
    return child
  }

  #end(): void {
    this.#gone = true
    this.#wake?.()
  }

  async #take(length: number): Promise<Buffer> {
    while (this.#length < length) {
      if (this.#gone) {
        this.#child = undefined
        throw new Error(this.#complaint.trim() || 'the live driver ended in the middle of a test')
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    const whole = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received)
    const bytes = whole ?? Buffer.alloc(0)
    this.#received = [bytes.subarray(length)]
    this.#length = bytes.length - length
    return bytes.subarray(0, length)
  }
}
