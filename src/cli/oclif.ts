/**
 * The parts of oclif that a command needs, and no more. The build replaces the compiled form of this file with one bundle (`.build/oclif.js`):
 * oclif's hundred small files take longer to find and open than all the rest of a start.
 */
export * as Args from '@oclif/core/args';
export { Command } from '@oclif/core/command';
export { Config } from '@oclif/core/config';
export * as Flags from '@oclif/core/flags';
