import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

export interface Answer {
  readonly code: number;
  readonly output: string;
}

/** No command of a page takes nearly as long. */
const BOUND_MS = 400_000;

/** One bash that lives as long as its page, so that variables and folders stay as a reader's would. */
export class Shell {
  readonly #child: ChildProcess;
  readonly #served: { name: string; pid: number }[] = [];
  #said = '';
  #heard: () => void = () => {};

  constructor(folder: string, environment: Record<string, string | undefined>) {
    this.#child = spawn('bash', ['--noprofile', '--norc'], {
      cwd: folder,
      env: environment,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
        this.#heard();
      });
    }
    this.#child.on('close', () => this.#heard());
    // What is served gets a process group of its own, so that it can be stopped as Ctrl-C does.
    // When this process dies its input ends, and with it goes whatever is still served.
    this.#child.stdin?.write(
      `exec 2>&1; set -m; trap 'for job in $(jobs -p); do kill -- -$job; done' EXIT\n`,
    );
  }

  /** Runs the command as a person would have typed it, and waits for its end. */
  async run(command: string): Promise<Answer> {
    const mark = `--${randomUUID()}--`;
    // The last code goes into `$?` again, for a reader may ask for it. Input is nothing: no command may eat what follows.
    const call = `{ ${command}\n} </dev/null; code=$?; printf '\\n${mark}%s\\n' $code; (exit $code)\n`;
    const said = await this.#until(call, (text) => new RegExp(`\\n${mark}(\\d+)\\n`).exec(text));
    return { code: Number(said[1]), output: said.input.slice(0, said.index) };
  }

  /** Starts what serves, and waits until it has said `until`. Gives all that it had said by then. */
  async serve(name: string, command: string, until: string): Promise<string> {
    const log = `"$TMPDIR/${name}.log"`;
    const { output } = await this.run(`( ${command}\n) >${log} 2>&1 & echo $!`);
    const pid = Number(output.trim().split('\n').at(-1));
    this.#served.push({ name, pid });
    // So long that only a text which never comes is waited for in vain.
    const isAwaited = `kill -0 ${pid} 2>/dev/null && ! grep -qF -- ${quoted(until)} ${log} && [ $SECONDS -lt $end ]`;
    const look = `end=$((SECONDS + 300)); while ${isAwaited}; do sleep 0.1; done`;
    const { output: said } = await this.run(`${look}; cat ${log}`);
    if (!said.includes(until)) throw new Error(`${name} has not said “${until}”. It said:\n${said}`);
    return said;
  }

  /** Stops what was started under the name, as Ctrl-C does, and gives what it had said in the end. */
  async stop(name: string): Promise<string> {
    const found = this.#served.find((each) => each.name === name);
    if (found === undefined) throw new Error(`Nothing called ${name} is served.`);
    this.#served.splice(this.#served.indexOf(found), 1);
    const { output } = await this.run(
      `kill -INT -- -${found.pid}; while kill -0 -- -${found.pid} 2>/dev/null; do sleep 0.1; done; cat "$TMPDIR/${name}.log"`,
    );
    return output;
  }

  /** Stops all that is left, the latest first, and the shell. */
  async end(): Promise<void> {
    if (!this.#isOver()) {
      for (const { name } of this.#served.toReversed()) await this.stop(name);
      this.#child.stdin?.end('exit\n');
      await once(this.#child, 'close');
    }
  }

  async #until<T>(call: string, wanted: (text: string) => T | null): Promise<T> {
    this.#said = '';
    this.#child.stdin?.write(call);
    // A command that waits for ever, as for a person, ends with its shell, and the page with what it had said.
    const bound = setTimeout(() => this.#kill(), BOUND_MS);
    try {
      for (;;) {
        const found = wanted(this.#said);
        if (found !== null) return found;
        if (this.#isOver()) throw new Error(`The shell ended within: ${call}\n${this.#said}`);
        await new Promise<void>((resolve) => {
          this.#heard = resolve;
        });
      }
    } finally {
      clearTimeout(bound);
    }
  }

  #isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The shell, what it waits for, and what it serves, each a process group of its own. */
  #kill(): void {
    this.#child.kill('SIGKILL');
    for (const { pid } of this.#served) {
      try {
        process.kill(-pid, 'SIGTERM');
      } catch {
        // It has ended already.
      }
    }
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
