/** Puts together what `lsmctl ls` shows: paths, schema and inventory. */
import { LsmctlError } from '../bytes/errors.js';
import { diskStorage } from '../bytes/source.js';
import { resolvePaths } from '../engine/data-directory.js';
import { type Inventory, type InventoryOptions, keyspacesOf, takeInventory } from '../engine/inventory.js';
import { type LoadedSchema, loadSchema, type SchemaSource } from '../engine/schema-loader.js';

export type LsFlags = {
  readonly keyspace?: string | undefined;
  readonly table?: string | undefined;
  readonly system?: boolean;
  readonly schema?: string | undefined;
  readonly now: number;
};

/** `schema`: where the schema came from, or why there is none. */
export type LsResult = {
  readonly inventory: Inventory;
  readonly schema: SchemaSource | { readonly unmeasured: string };
};

/** @throws UsageError, UnsupportedError */
export async function inventoryOf(
  paths: readonly string[],
  flags: LsFlags,
  notice: (line: string) => void,
): Promise<LsResult> {
  const resolved = resolvePaths(diskStorage, paths, { snapshots: true });
  const asked: InventoryOptions = {
    ...(flags.keyspace !== undefined && { keyspace: flags.keyspace }),
    ...(flags.table !== undefined && { table: flags.table }),
    ...(flags.system !== undefined && { system: flags.system }),
  };
  const { shown } = keyspacesOf(resolved, asked);
  const loaded = await schemaOf(paths, flags, (name) => shown.includes(name));
  if ('unmeasured' in loaded) notice(`no schema, so no compaction options or dropped tables: ${loaded.unmeasured}`);
  const options: InventoryOptions = {
    ...asked,
    ...('schema' in loaded && { schema: loaded.schema, schemaIsWhole: loaded.source.kind === 'system_schema' }),
  };
  const inventory = takeInventory(diskStorage, resolved, options);
  return { inventory, schema: 'schema' in loaded ? loaded.source : loaded };
}

/** A schema that can't be had is no reason not to list; one that was asked for by name is. Made up from headers, it has no options to show. */
async function schemaOf(
  paths: readonly string[],
  flags: LsFlags,
  keyspaces: (name: string) => boolean,
): Promise<LoadedSchema | { readonly unmeasured: string }> {
  try {
    const loaded = await loadSchema(diskStorage, paths, {
      nowSeconds: flags.now,
      keyspaces,
      isOutline: true,
      ...(flags.schema !== undefined && { schemaFile: flags.schema }),
    });
    return loaded.source.kind === 'header' ? { unmeasured: 'neither system_schema nor schema.cql is here' } : loaded;
  } catch (error) {
    if (!(error instanceof LsmctlError) || flags.schema !== undefined) throw error;
    return { unmeasured: error.facts.file === undefined ? error.message : `${error.facts.file}: ${error.message}` };
  }
}
