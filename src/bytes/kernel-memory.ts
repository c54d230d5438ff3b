/** WebAssembly kernels and their memory. */
import { UsageError } from './errors.js';

export const PAGE_BYTES = 65536;

/**
 * Memory of at least so many bytes, all 0.
 * @throws UsageError where the process may not reserve the gigabytes of address space that the engine sets aside for each
 */
export function kernelMemory(bytes: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
  } catch (error) {
    throw withHint(error);
  }
}

/** Makes it at least so large; `buffer` is another one then. @throws UsageError */
export function growTo(memory: WebAssembly.Memory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing <= 0) return;
  try {
    memory.grow(Math.ceil(missing / PAGE_BYTES));
  } catch (error) {
    throw withHint(error);
  }
}

/** By their base64 text. */
const compiled = new Map<string, WebAssembly.Module>();

/** A kernel that works in `memory`; a thread compiles each once. @param imports what it calls */
export function instantiate<T>(
  base64: string,
  memory: WebAssembly.Memory,
  imports: Readonly<Record<string, (...numbers: number[]) => void>> = {},
): T {
  let module = compiled.get(base64);
  if (!module) {
    module = new WebAssembly.Module(Buffer.from(base64, 'base64'));
    compiled.set(base64, module);
  }
  return new WebAssembly.Instance(module, { env: { memory, ...imports } }).exports as T;
}

/** What is made in such memory; `undefined` where there is none: then JavaScript does the work, slower. */
export function ifThereIsMemory<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

function withHint(error: unknown): unknown {
  if (!(error instanceof RangeError)) return error;
  return new UsageError(
    'there is no memory for WebAssembly',
    {
      seen: error.message,
      hint: 'lift the limit of address space (`ulimit -v unlimited`), or run with NODE_OPTIONS=--disable-wasm-trap-handler',
    },
    { cause: error },
  );
}
