import java.math.BigDecimal;
import java.util.Date;
import java.util.Random;
import java.util.UUID;
import org.apache.cassandra.io.sstable.CQLSSTableWriter;
import org.apache.cassandra.io.util.File;

/**
 * Writes one big SSTable through Cassandra's own writer: DIRECTORY TABLE ROWS. The same arguments give the same rows.
 *
 * orders_by_id   ROWS partitions of one row each
 * wide           one partition of ROWS rows, of some 1 KiB each, hard to compress
 */
public class Bulk {
  static final String[] STATUSES = {"pending", "shipped", "delivered", "cancelled", "returned"};
  static final String[] WORDS =
      "the quick brown fox jumps over a lazy dog while order ships across town by van truck plane boat bike courier express parcel letter box".split(" ");

  public static void main(String[] args) throws Exception {
    File directory = new File(args[0]);
    directory.tryCreateDirectories();
    int rows = Integer.parseInt(args[2]);
    if (args[1].equals("orders_by_id")) orders(directory, rows);
    else if (args[1].equals("wide")) wide(directory, rows);
    else throw new IllegalArgumentException(args[1]);
    System.exit(0);
  }

  static void orders(File directory, int rows) throws Exception {
    String table = "CREATE TABLE shop.orders_by_id (order_id uuid PRIMARY KEY, user_id uuid, status text, amount decimal, description text, created_at timestamp)";
    String insert = "INSERT INTO shop.orders_by_id (order_id, user_id, status, amount, description, created_at) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?";
    Random random = new Random(42);
    try (CQLSSTableWriter writer = writer(directory, table, insert)) {
      for (int i = 0; i < rows; i++) {
        int user = (int) (Math.pow(random.nextDouble(), 3) * (rows / 20));
        writer.addRow(
            uuid(random), new UUID(0x9876543200004000L | (long) user << 32, 0x8000000000000000L | user), STATUSES[random.nextInt(5)],
            new BigDecimal(random.nextInt(1_000_000)).movePointLeft(2), sentence(random), new Date(1_700_000_000_000L + random.nextInt(100_000_000) * 10L),
            1_700_000_000_000_000L + i);
      }
    }
  }

  static void wide(File directory, int rows) throws Exception {
    String table = "CREATE TABLE shop.wide (key int, position int, body blob, note text, PRIMARY KEY (key, position))";
    String insert = "INSERT INTO shop.wide (key, position, body, note) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
    Random random = new Random(42);
    byte[] body = new byte[900];
    // Sorted, since one partition of gigabytes fits no buffer.
    try (CQLSSTableWriter writer = CQLSSTableWriter.builder().inDirectory(directory).forTable(table).using(insert).sorted().build()) {
      for (int i = 0; i < rows; i++) {
        random.nextBytes(body);
        writer.addRow(1, i, java.nio.ByteBuffer.wrap(body.clone()), sentence(random), 1_700_000_000_000_000L + i);
      }
    }
  }

  static CQLSSTableWriter writer(File directory, String table, String insert) {
    // The buffer holds the whole table, for the rows come in no order and the result shall be one file.
    return CQLSSTableWriter.builder().inDirectory(directory).forTable(table).using(insert).withBufferSizeInMiB(2000).build();
  }

  static UUID uuid(Random random) {
    return new UUID(random.nextLong() & ~0xf000L | 0x4000L, random.nextLong() & 0x3fffffffffffffffL | 0x8000000000000000L);
  }

  static String sentence(Random random) {
    StringBuilder text = new StringBuilder("Order for ");
    for (int n = 6 + random.nextInt(10); n > 0; n--) text.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
    return text.toString();
  }
}
