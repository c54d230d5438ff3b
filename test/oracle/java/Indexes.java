import org.apache.cassandra.io.sstable.CQLSSTableWriter;
import java.util.*;
/**
 * SSTables whose indexes have many pages, with blocks of 1 KiB: OUT FORMAT (big or bti)
 *   keys      60,000 partitions of one row
 *   wide      3 partitions of 20,000 rows, clustered by (int descending, text, uuid)
 *   ranges    3 partitions of 6,000 range tombstones each
 */
public class Indexes {
  public static void main(String[] a) throws Exception {
    configure(a[1]); org.apache.cassandra.config.DatabaseDescriptor.toolInitialization(); String out = a[0]; Random r = new Random(11);
    try (CQLSSTableWriter w = writer(out + "/keys", "CREATE TABLE ks.keys (k text, b int, v int, PRIMARY KEY ((k, b)))", "INSERT INTO ks.keys (k, b, v) VALUES (?, ?, ?)")) {
      for (int i = 0; i < 60000; i++) w.addRow("key " + i, i % 7, i);
    }
    String wide = "CREATE TABLE ks.%s (k int, a int, b text, c timeuuid, v text, PRIMARY KEY (k, a, b, c)) WITH CLUSTERING ORDER BY (a DESC, b ASC, c DESC)";
    try (CQLSSTableWriter w = writer(out + "/wide", String.format(wide, "wide"), "INSERT INTO ks.wide (k, a, b, c, v) VALUES (?, ?, ?, ?, ?)")) {
      for (int k = 0; k < 3; k++) for (int i = 0; i < 20000; i++)
        w.addRow(k, i / 50 - 200, "b" + (i % 5) + (i % 3 == 0 ? "\0" : ""), new UUID(0x1000L | ((long) i << 32), 0x8000000000000000L | r.nextInt()), "value " + i + " " + Long.toString(r.nextLong(), 36));
    }
    try (CQLSSTableWriter w = writer(out + "/ranges", String.format(wide, "ranges"), "DELETE FROM ks.ranges USING TIMESTAMP ? WHERE k = ? AND a = ? AND b >= ? AND b < ?")) {
      for (int k = 0; k < 3; k++) for (int i = 0; i < 6000; i++) w.addRow(1700000000000000L + i % 9, k, i / 4, "x" + i % 4, "x" + (i % 4 + 1));
    }
    System.exit(0);
  }
  /** The configuration at hand, with the format and the size of blocks. */
  static void configure(String format) throws Exception {
    java.nio.file.Path yaml = java.nio.file.Files.createTempFile("indexes", ".yaml");
    String given = java.nio.file.Files.readString(java.nio.file.Path.of(java.net.URI.create(System.getProperty("cassandra.config"))));
    java.nio.file.Files.writeString(yaml, given + "\nsstable:\n  selected_format: " + format + "\ncolumn_index_size: 1KiB\n");
    yaml.toFile().deleteOnExit();
    System.setProperty("cassandra.config", yaml.toUri().toString());
  }
  static CQLSSTableWriter writer(String dir, String schema, String statement) {
    new java.io.File(dir).mkdirs();
    return CQLSSTableWriter.builder().inDirectory(new org.apache.cassandra.io.util.File(dir)).forTable(schema).using(statement).withBufferSizeInMiB(256).build();
  }
}
