import java.math.BigDecimal;
import java.util.Date;
import java.util.Random;
import java.util.UUID;
import org.apache.cassandra.io.sstable.CQLSSTableWriter;
import org.apache.cassandra.io.util.File;

/**
 * Writes SSTables through Cassandra's own writer: DIRECTORY KIND ROWS. The same arguments give the same rows; deletions have the clock's time.
 *
 * One SSTable:
 *   orders_by_id   ROWS partitions of one row each
 *   wide           one partition of ROWS rows, of some 1 KiB each, hard to compress
 *   wide-more      ROWS rows of the same partition, at every twentieth position
 * Four SSTables that overlap:
 *   orders         ROWS orders each, drawn from four times as many: of those that are drawn twice in an SSTable the later stays
 *   drawn          ROWS / 4 orders each, drawn from ROWS
 *   events         500 partitions each, of 800; ROWS rows in them, of twice as many; rows and ranges of rows deleted
 *   cancelled      the same, but of a hundred 4 are deleted, 4 have no status any more, 4 end an hour after they are made
 */
public class Bulk {
  static final int SSTABLES = 4;
  static final long START_MICROS = 1_700_000_000_000_000L;
  static final String ORDERS = "CREATE TABLE shop.orders_by_id (order_id uuid PRIMARY KEY, user_id uuid, status text, amount decimal, description text, created_at timestamp)";
  static final String INSERT_ORDER = "INSERT INTO shop.orders_by_id (order_id, user_id, status, amount, description, created_at) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?";
  static final String WIDE = "CREATE TABLE shop.wide (key int, position int, body blob, note text, PRIMARY KEY (key, position))";
  static final String INSERT_WIDE = "INSERT INTO shop.wide (key, position, body, note) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
  static final String EVENTS = "CREATE TABLE shop.events (device int, seq int, kind text, reading double, payload text, owner text static, PRIMARY KEY (device, seq))";
  static final String[] STATUSES = {"pending", "shipped", "delivered", "cancelled", "returned"};
  static final String[] WORDS =
      "the quick brown fox jumps over a lazy dog while order ships across town by van truck plane boat bike courier express parcel letter box".split(" ");

  public static void main(String[] args) throws Exception {
    File directory = new File(args[0]);
    directory.tryCreateDirectories();
    int rows = Integer.parseInt(args[2]);
    if (args[1].equals("orders_by_id")) orders(directory, rows);
    else if (args[1].equals("wide")) wide(directory, rows, 1, START_MICROS);
    else if (args[1].equals("wide-more")) wide(directory, rows, 20, START_MICROS + 1_000_000_000L);
    else if (args[1].equals("orders")) for (int n = 0; n < SSTABLES; n++) overlappingOrders(directory, rows, SSTABLES * rows, n);
    else if (args[1].equals("drawn")) for (int n = 0; n < SSTABLES; n++) overlappingOrders(directory, rows / SSTABLES, rows, n);
    else if (args[1].equals("cancelled")) for (int n = 0; n < SSTABLES; n++) cancelledOrders(directory, rows, n);
    else if (args[1].equals("events")) for (int n = 0; n < SSTABLES; n++) events(directory, rows / 500, n);
    else throw new IllegalArgumentException(args[1]);
    System.exit(0);
  }

  static void orders(File directory, int rows) throws Exception {
    Random random = new Random(42);
    try (CQLSSTableWriter writer = writer(directory, ORDERS, INSERT_ORDER)) {
      for (int i = 0; i < rows; i++) {
        int user = (int) (Math.pow(random.nextDouble(), 3) * (rows / 20));
        order(writer, random, uuid(random), user, START_MICROS + i);
      }
    }
  }

  static void overlappingOrders(File directory, int rows, int drawnFrom, int sstable) throws Exception {
    Random random = new Random(sstable);
    try (CQLSSTableWriter writer = writer(directory, ORDERS, INSERT_ORDER)) {
      for (int i = 0; i < rows; i++) {
        UUID id = uuid(new Random(1_000_000_007L * random.nextInt(drawnFrom)));
        int user = (int) (Math.pow(random.nextDouble(), 3) * (rows / 20));
        order(writer, random, id, user, START_MICROS + (long) sstable * rows + i);
      }
    }
  }

  static void cancelledOrders(File directory, int rows, int sstable) throws Exception {
    Random random = new Random(sstable);
    try (CQLSSTableWriter writer = writer(directory, ORDERS, INSERT_ORDER)) {
      CQLSSTableWriter deleter = beside(writer, directory, ORDERS, "DELETE FROM shop.orders_by_id USING TIMESTAMP ? WHERE order_id = ?");
      CQLSSTableWriter expiring = beside(writer, directory, ORDERS, INSERT_ORDER + " AND TTL 3600");
      for (int i = 0; i < rows / SSTABLES; i++) {
        UUID id = uuid(new Random(1_000_000_007L * random.nextInt(rows)));
        int user = (int) (Math.pow(random.nextDouble(), 3) * (rows / 20));
        long timestamp = START_MICROS + (long) sstable * rows + i;
        int fate = random.nextInt(100);
        if (fate < 4) deleter.addRow(timestamp, id);
        else order(fate < 8 ? expiring : writer, random, id, user, timestamp, fate >= 8 && fate < 12 ? null : STATUSES[random.nextInt(5)]);
      }
    }
  }

  static void order(CQLSSTableWriter writer, Random random, UUID id, int user, long timestamp) throws Exception {
    order(writer, random, id, user, timestamp, STATUSES[random.nextInt(5)]);
  }

  static void order(CQLSSTableWriter writer, Random random, UUID id, int user, long timestamp, String status) throws Exception {
    writer.addRow(
        id, new UUID(0x9876543200004000L | (long) user << 32, 0x8000000000000000L | user), status,
        new BigDecimal(random.nextInt(1_000_000)).movePointLeft(2), sentence(random), new Date(1_700_000_000_000L + random.nextInt(100_000_000) * 10L),
        timestamp);
  }

  static void events(File directory, int rows, int sstable) throws Exception {
    Random random = new Random(sstable);
    String insert = "INSERT INTO shop.events (device, seq, kind, reading, payload, owner) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?";
    String deleteRow = "DELETE FROM shop.events USING TIMESTAMP ? WHERE device = ? AND seq = ?";
    String deleteRange = "DELETE FROM shop.events USING TIMESTAMP ? WHERE device = ? AND seq >= ? AND seq < ?";
    long timestamp = START_MICROS + sstable * 1_000_000_000L;
    try (CQLSSTableWriter writer = writer(directory, EVENTS, insert)) {
      CQLSSTableWriter rowDeleter = beside(writer, directory, EVENTS, deleteRow);
      CQLSSTableWriter rangeDeleter = beside(writer, directory, EVENTS, deleteRange);
      for (int i = 0; i < 500; i++) {
        int device = i * 8 / 5 + random.nextInt((i + 1) * 8 / 5 - i * 8 / 5); // none twice
        Object owner = "owner " + random.nextInt(50);
        for (int row = 0; row < rows; row++) {
          int seq = row * 2 + random.nextInt(2);
          if (row % 100 == 99) rangeDeleter.addRow(timestamp++, device, seq - random.nextInt(40), seq + random.nextInt(40));
          if (row % 50 == 49) rowDeleter.addRow(timestamp++, device, seq);
          else writer.addRow(device, seq, STATUSES[random.nextInt(5)], random.nextDouble() * 100, sentence(random), owner, timestamp++);
          owner = CQLSSTableWriter.UNSET_VALUE; // one static row a partition
        }
      }
    }
  }

  static void wide(File directory, int rows, int step, long timestamp) throws Exception {
    Random random = new Random(42 + step - 1);
    byte[] body = new byte[900];
    // Sorted, since one partition of gigabytes fits no buffer.
    try (CQLSSTableWriter writer = CQLSSTableWriter.builder().inDirectory(directory).forTable(WIDE).using(INSERT_WIDE).sorted().build()) {
      for (int i = 0; i < rows; i++) {
        random.nextBytes(body);
        writer.addRow(1, i * step, java.nio.ByteBuffer.wrap(body.clone()), sentence(random), timestamp + i);
      }
    }
  }

  static CQLSSTableWriter writer(File directory, String table, String insert) {
    // The buffer holds the whole table, for the rows come in no order and the result shall be one file.
    return CQLSSTableWriter.builder().inDirectory(directory).forTable(table).using(insert).withBufferSizeInMiB(2000).build();
  }

  /** Another statement into the same SSTable, for which Cassandra's writer has no door. It must not be closed. */
  static CQLSSTableWriter beside(CQLSSTableWriter first, File directory, String table, String statement) throws Exception {
    CQLSSTableWriter other = CQLSSTableWriter.builder().inDirectory(directory).forTable(table).using(statement).sorted().build();
    java.lang.reflect.Field field = CQLSSTableWriter.class.getDeclaredField("writer");
    field.setAccessible(true);
    field.set(other, field.get(first));
    return other;
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
