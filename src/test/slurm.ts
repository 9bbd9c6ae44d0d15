/** slurm: a Slurm of one node and one partition, with everything of its own in a temporary directory. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { cpus, hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isProgram } from '../cli/shell/is-program.ts'

export interface Slurm {
  /** For the programs that ask it. */
  readonly env: NodeJS.ProcessEnv
  stop(): Promise<void>
}

/** Why there can be none here, or undefined. */
export function whyNoSlurm(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root'
  const missing = ['sbatch', 'munged', 'slurmctld', 'slurmd'].filter((name) => !isProgram(name))
  return missing.length > 0 ? `no ${missing.join(', ')} on this machine` : undefined
}

/** What its daemons said last, in one line, if they do not come up. */
export async function startSlurm(): Promise<Slurm | string> {
  const dir = mkdtempSync(join(tmpdir(), 'cowbench-slurm-'))
  for (const folder of ['state', 'spool']) mkdirSync(join(dir, folder))
  writeFileSync(join(dir, 'munge.key'), randomBytes(1024), { mode: 0o400 })
  const conf = join(dir, 'slurm.conf')
  writeFileSync(conf, await configuration(dir))
  const env = { ...process.env, SLURM_CONF: conf }
  const daemons: ChildProcess[] = []
  const start = (program: string, ...args: readonly string[]): void => {
    const log = openSync(join(dir, `${program}.out`), 'w')
    daemons.push(spawn(program, args, { env, stdio: ['ignore', log, log] }))
  }
  const stop = async (): Promise<void> => {
    for (const daemon of daemons.toReversed()) {
      const ended = new Promise((resolve) => daemon.once('exit', resolve))
      if (daemon.exitCode === null && daemon.kill()) await ended
    }
    rmSync(dir, { recursive: true, force: true })
  }
  const own = { 'key-file': 'key', socket: 'sock', 'pid-file': 'pid', 'seed-file': 'seed' }
  const munge = Object.entries(own).map(([flag, end]) => `--${flag}=${join(dir, `munge.${end}`)}`)
  start('munged', '--force', '--foreground', ...munge, `--log-file=${join(dir, 'munge.log')}`)
  start('slurmctld', '-D', '-f', conf)
  start('slurmd', '-D', '-f', conf)
  for (let tries = 0; tries < 100; tries++) {
    const { stdout } = spawnSync('sinfo', ['-h', '-o', '%T'], { env, encoding: 'utf8' })
    if (stdout.trim() === 'idle') return { env, stop }
    await sleep(200)
  }
  const said = ['munged', 'slurmctld', 'slurmd'].map((name) => {
    const lines = readFileSync(join(dir, `${name}.out`), 'utf8')
      .trim()
      .split('\n')
    return `${name}: ${lines.at(-1)}`
  })
  await stop()
  return `Slurm did not come up; ${said.join('; ')}`
}

async function configuration(dir: string): Promise<string> {
  const [host] = hostname().split('.')
  const [controller, node] = await freePorts()
  return `ClusterName=cow
SlurmctldHost=${host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=${dir}/munge.sock
CredType=cred/munge
SlurmUser=root
SlurmctldPort=${controller}
SlurmdPort=${node}
StateSaveLocation=${dir}/state
SlurmdSpoolDir=${dir}/spool
SlurmctldPidFile=${dir}/slurmctld.pid
SlurmdPidFile=${dir}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=${host} NodeAddr=127.0.0.1 CPUs=${cpus().length} RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`
}

/** Two that nobody listens on. */
async function freePorts(): Promise<number[]> {
  const servers = [createServer(), createServer()]
  const ports = servers.map(
    (server) =>
      new Promise<number>((resolve) => {
        server.listen(0, '127.0.0.1', () => {
          const address = server.address()
          resolve(typeof address === 'object' ? (address?.port ?? 0) : 0)
        })
      }),
  )
  const found = await Promise.all(ports)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return found
}
