/**
 * What every command stands on: it parses, calls `src`, renders; stdout is data, stderr is notices. Errors are not handled here: they reach
 * `main.ts`, which asks `exit.ts` what they are.
 */
import type { LoadOptions } from '@oclif/core/interfaces';
import { jsonText } from '../render/json.js';
import type { ExitCode } from './exit.js';
import { Command, Config } from './oclif.js';
import { flushQuietly, notice, type StdoutSink, stdoutSink } from './output.js';

export abstract class LsmctlCommand extends Command {
  /** The process' one buffer before stdout; flushed when the command ends. */
  protected readonly out: StdoutSink = stdoutSink();

  /** As oclif's, but a configuration that is loaded already is used as it is: loading it twice costs a start its time. */
  static override async run<T extends Command>(
    this: new (
      argv: string[],
      config: Config,
    ) => T,
    argv?: string[],
    options?: LoadOptions,
  ): Promise<ReturnType<T['run']>> {
    const config = isConfig(options) ? options : await Config.load(options ?? import.meta.url);
    const command = new this(argv ?? process.argv.slice(2), config) as unknown as {
      _run(): Promise<ReturnType<T['run']>>;
    };
    return command._run();
  }

  /** A line of text on stdout; nothing under `--json`, where the returned object is all. */
  override log(message = ''): void {
    if (!this.jsonEnabled()) this.print(message);
  }

  /** A line of text on stdout. */
  protected print(line: string): void {
    this.out.writeText(`${line}\n`);
  }

  /** A line on stderr: what the operator should know and a pipe must not carry. */
  protected notice(line: string): void {
    notice(`lsmctl: ${line}`);
  }

  /** The exit code of a command that ran to its end, as `EXIT.findings`. Errors have their own. */
  protected exitWith(code: ExitCode): void {
    process.exitCode = code;
  }

  override logJson(json: unknown): void {
    this.out.writeText(`${jsonText(json)}\n`);
  }

  protected override async catch(error: Error): Promise<never> {
    throw error;
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    if (error) flushQuietly(this.out);
    await super.finally(error);
  }

  protected override async _run<T>(): Promise<T> {
    const result = await super._run<T>();
    this.out.flush();
    return result;
  }
}

/** By shape, not by class: a start has the bundle's own class, help and completion the package's. */
function isConfig(options: LoadOptions | undefined): options is Config {
  return typeof options === 'object' && 'userAgent' in options && 'runHook' in options;
}
