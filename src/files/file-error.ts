/** file-error: a file that cannot be read or written, told in one line that names it and the cause. */
export class FileError extends Error {
  /** As the system calls it: ENOENT, ENOSPC. */
  readonly code: string | undefined

  /** `file` is what the user calls it; `cause` is what the system said. */
  constructor(file: string, deed: 'read' | 'written', cause: unknown) {
    super(messageOf(file, deed, cause as NodeJS.ErrnoException))
    this.code = (cause as NodeJS.ErrnoException).code
  }
}

/** The disk is full, the user's share of it is used up, or no file may be so large. */
const NO_SPACE = ['ENOSPC', 'EDQUOT', 'EFBIG']

function messageOf(
  file: string,
  deed: 'read' | 'written',
  { code, message }: NodeJS.ErrnoException,
): string {
  if (code === 'EISDIR') return `invalid file: ${file} is a directory`
  if (code === 'ENOENT' && deed === 'read') return `missing file: ${file}`
  if (NO_SPACE.includes(code ?? '')) return `missing space: ${file} cannot be written (${code})`
  // `EACCES: permission denied, open '/etc/passwd'`
  return `invalid file: ${file} cannot be ${deed} (${message.split(', ')[0]})`
}
