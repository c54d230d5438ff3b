/**
 * The parts of oclif that a command needs, and no more: its index loads help, plugins and completion too. The build bundles them
 * (`.build/bundle.js`), since oclif's hundred small files take longer to open than all the rest of a start.
 */
export * as Args from '@oclif/core/args';
export { Command } from '@oclif/core/command';
export { Config } from '@oclif/core/config';
export * as Flags from '@oclif/core/flags';
