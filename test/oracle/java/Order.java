import java.math.*;
import java.nio.*;
import java.util.*;
import org.apache.cassandra.db.*;
import org.apache.cassandra.db.marshal.*;
import org.apache.cassandra.dht.*;
import org.apache.cassandra.utils.ByteBufferUtil;
import org.apache.cassandra.utils.bytecomparable.*;

/**
 * What Cassandra says of the order of values, clusterings and keys, as JSON lines for test/golden/order.jsonl:
 *
 *   {"type", "values": [hex], "forms": [hex | null], "order": [sign of compare(i, i + 1)]}
 *   {"clustering": [type], "prefixes": [[kind, hex | null, ...]], "forms": [hex], "order": [sign of compare(i, i + 1)]}
 *   {"partitioner", "keys": [hex], "tokens": [text], "forms": [hex], "order": [index]}
 */
public class Order {
  static final Random r = new Random(7);
  static final ByteComparable.Version V = ByteComparable.Version.OSS50;
  static final String P = "org.apache.cassandra.db.marshal.";

  static byte[] bytes(int n) { byte[] b = new byte[n]; r.nextBytes(b); return b; }
  static byte[] zeroish(int n) { byte[] b = bytes(n); for (int i = 0; i < n; i++) if (r.nextInt(3) == 0) b[i] = (byte) (r.nextBoolean() ? 0 : r.nextBoolean() ? -1 : 1); return b; }
  static byte[] near(int n) { byte[] b = new byte[n]; if (r.nextBoolean()) Arrays.fill(b, (byte) -1); b[n - 1 - r.nextInt(n)] = (byte) r.nextInt(); return b; }

  static byte[] uuid(boolean v1) { byte[] b = zeroish(16); b[6] = (byte) ((b[6] & 0x0f) | ((v1 ? 1 : r.nextInt(8)) << 4)); return b; }

  static ByteBuffer value(AbstractType<?> t, int depth) {
    String c = t.getClass().getSimpleName();
    if (r.nextInt(14) == 0 && !c.equals("ShortType") && !c.equals("ByteType") && !c.equals("VectorType") && !c.equals("ReversedType") && !c.equals("SimpleDateType") && !c.equals("TimeType") && !c.startsWith("Partitioner")) return ByteBufferUtil.EMPTY_BYTE_BUFFER;
    switch (c) {
      case "AsciiType": { byte[] b = zeroish(r.nextInt(6)); for (int i = 0; i < b.length; i++) b[i] &= 0x7f; return ByteBuffer.wrap(b); }
      case "UTF8Type": return ByteBufferUtil.bytes(new String(new char[] { (char) r.nextInt(0x800), (char) r.nextInt(3), 'é', (char) (0x4e00 + r.nextInt(99)) }, 0, r.nextInt(5)));
      case "BytesType": case "InetAddressType": case "DurationType": return ByteBuffer.wrap(c.startsWith("I") ? bytes(r.nextBoolean() ? 4 : 16) : zeroish(r.nextInt(9)));
      case "Int32Type": case "FloatType": case "SimpleDateType": return ByteBuffer.wrap(r.nextInt(3) == 0 ? near(4) : zeroish(4));
      case "LongType": case "TimestampType": case "DateType": case "DoubleType": case "TimeType": {
        long shifted = r.nextLong() >> r.nextInt(64);
        return r.nextBoolean() ? ByteBufferUtil.bytes(shifted) : ByteBuffer.wrap(zeroish(8)); }
      case "ShortType": return ByteBuffer.wrap(zeroish(2));
      case "ByteType": return ByteBuffer.wrap(bytes(1));
      case "BooleanType": return ByteBuffer.wrap(new byte[] { (byte) r.nextInt(2) });
      case "UUIDType": case "LexicalUUIDType": return ByteBuffer.wrap(uuid(r.nextBoolean()));
      case "TimeUUIDType": case "LegacyTimeUUIDType": return ByteBuffer.wrap(uuid(true));
      case "IntegerType": { byte[] b = zeroish(1 + r.nextInt(r.nextInt(8) == 0 ? 300 : 11));
        if (b.length > 9) return ByteBuffer.wrap(new BigInteger(b).toByteArray()); // the server refuses a long form that says little
        return ByteBuffer.wrap(b.length > 7 ? new BigInteger(b).toByteArray() : b); }
      case "DecimalType": { BigInteger u = new BigInteger(zeroish(1 + r.nextInt(12)));
        if (r.nextInt(3) == 0) u = BigInteger.valueOf(r.nextInt(2001) - 1000);
        int s = r.nextInt(5) == 0 ? r.nextInt() : r.nextInt(40) - 20;
        byte[] ub = u.toByteArray(); ByteBuffer o = ByteBuffer.allocate(4 + ub.length); o.putInt(s).put(ub).flip(); return o; }
      case "EmptyType": return ByteBufferUtil.EMPTY_BYTE_BUFFER;
      case "ReversedType": return value(((ReversedType<?>) t).baseType, depth);
      case "ListType": case "SetType": case "MapType": {
        List<AbstractType<?>> of = new ArrayList<>(); of.addAll(t.subTypes());
        int n = r.nextInt(4); List<ByteBuffer> parts = new ArrayList<>(); int size = 4;
        for (int i = 0; i < n * of.size(); i++) { ByteBuffer v = value(of.get(i % of.size()), depth + 1); parts.add(v); size += 4 + v.remaining(); }
        ByteBuffer o = ByteBuffer.allocate(size); o.putInt(n); for (ByteBuffer p : parts) { o.putInt(p.remaining()); o.put(p.duplicate()); } o.flip(); return o; }
      case "TupleType": case "UserType": {
        List<AbstractType<?>> of = t.subTypes(); int n = r.nextInt(of.size() + 1); List<ByteBuffer> parts = new ArrayList<>(); int size = 0;
        for (int i = 0; i < n; i++) { ByteBuffer v = r.nextInt(4) == 0 ? null : value(of.get(i), depth + 1); parts.add(v); size += 4 + (v == null ? 0 : v.remaining()); }
        ByteBuffer o = ByteBuffer.allocate(size); for (ByteBuffer p : parts) { o.putInt(p == null ? -1 : p.remaining()); if (p != null) o.put(p.duplicate()); } o.flip(); return o; }
      case "VectorType": { VectorType<?> v = (VectorType<?>) t; List<ByteBuffer> parts = new ArrayList<>();
        for (int i = 0; i < v.dimension; i++) { ByteBuffer e; do e = value(v.elementType, depth + 1); while (v.elementType.isValueLengthFixed() && e.remaining() == 0); parts.add(e); }
        return v.decomposeRaw(parts); }
      case "CompositeType": { CompositeType ct = (CompositeType) t; int n = 1 + r.nextInt(ct.types.size()); List<ByteBuffer> parts = new ArrayList<>(); int size = 0; boolean st = r.nextInt(6) == 0;
        for (int i = 0; i < n; i++) { ByteBuffer v = value(ct.types.get(i), depth + 1); parts.add(v); size += 3 + v.remaining(); }
        ByteBuffer o = ByteBuffer.allocate(size + (st ? 2 : 0)); if (st) o.putShort((short) -1);
        for (int i = 0; i < n; i++) { o.putShort((short) parts.get(i).remaining()); o.put(parts.get(i).duplicate()); o.put((byte) (i == n - 1 ? r.nextInt(3) - 1 : 0)); } o.flip(); return o; }
      case "DynamicCompositeType": { DynamicCompositeType dt = (DynamicCompositeType) t; int n = 1 + r.nextInt(3); java.io.ByteArrayOutputStream o = new java.io.ByteArrayOutputStream();
        List<Byte> as = new ArrayList<>(dt.aliases.keySet());
        for (int i = 0; i < n; i++) { byte a = as.get(r.nextInt(as.size())); AbstractType<?> of = dt.aliases.get(a);
          if (r.nextBoolean()) { o.write(0x80); o.write(a); } else { byte[] name = of.toString().getBytes(); o.write(name.length >> 8); o.write(name.length); o.write(name, 0, name.length); }
          ByteBuffer v = value(of, depth + 1); o.write(v.remaining() >> 8); o.write(v.remaining()); byte[] vb = ByteBufferUtil.getArray(v); o.write(vb, 0, vb.length); o.write(i == n - 1 ? r.nextInt(3) - 1 : 0); }
        return ByteBuffer.wrap(o.toByteArray()); }
      case "PartitionerDefinedOrder": return ByteBuffer.wrap(zeroish(1 + r.nextInt(20)));
      default: throw new IllegalStateException(c);
    }
  }

  static String hex(ByteBuffer b) { return ByteBufferUtil.bytesToHex(b); }
  static String form(ByteSource s) {
    if (s == null) return "null";
    StringBuilder o = new StringBuilder("\""); int b; while ((b = s.next()) != ByteSource.END_OF_STREAM) o.append(String.format("%02x", b)); return o.append('"').toString();
  }
  static String join(List<String> l) { return "[" + String.join(",", l) + "]"; }

  static void type(String name, int n) {
    AbstractType<?> t; try { t = TypeParser.parse(name); } catch (Exception e) { throw new RuntimeException(name, e); }
    List<String> values = new ArrayList<>(), forms = new ArrayList<>(), order = new ArrayList<>(); ByteBuffer last = null;
    for (int i = 0; i < n; i++) {
      ByteBuffer v = last != null && r.nextInt(3) == 0 && last.remaining() > 0 ? change(t, last) : value(t, 0);
      String f; try { f = form(t.asComparableBytes(v.duplicate(), V)); } catch (Exception | AssertionError e) { continue; }
      if (last != null) order.add("" + Integer.signum(t.compare(last, v)));
      values.add("\"" + hex(v) + "\""); forms.add(f); last = v;
    }
    System.out.println("{\"type\":\"" + name + "\",\"values\":" + join(values) + ",\"forms\":" + join(forms) + ",\"order\":" + join(order) + "}");
  }
  /** The same value with its last byte another: close values tell more than random ones. Only of types where any byte is valid. */
  static ByteBuffer change(AbstractType<?> t, ByteBuffer v) {
    String c = t.getClass().getSimpleName();
    if (t instanceof ReversedType) c = ((ReversedType<?>) t).baseType.getClass().getSimpleName();
    if (!Set.of("BytesType", "Int32Type", "LongType", "TimestampType", "UUIDType", "TimeUUIDType", "LexicalUUIDType", "IntegerType", "DecimalType", "FloatType", "DoubleType").contains(c)) return value(t, 0);
    ByteBuffer o = ByteBufferUtil.clone(v); o.put(o.limit() - 1, (byte) r.nextInt()); return o;
  }

  static final ClusteringPrefix.Kind[] KINDS = { ClusteringPrefix.Kind.EXCL_END_BOUND, ClusteringPrefix.Kind.INCL_START_BOUND, ClusteringPrefix.Kind.INCL_END_BOUND, ClusteringPrefix.Kind.EXCL_START_BOUND,
    ClusteringPrefix.Kind.EXCL_END_INCL_START_BOUNDARY, ClusteringPrefix.Kind.INCL_END_EXCL_START_BOUNDARY };
  static void clustering(int n, String... names) {
    List<AbstractType<?>> types = new ArrayList<>(); try { for (String s : names) types.add(TypeParser.parse(s)); } catch (Exception e) { throw new RuntimeException(e); }
    ClusteringComparator cc = new ClusteringComparator(types);
    List<String> prefixes = new ArrayList<>(), forms = new ArrayList<>(), order = new ArrayList<>(); ClusteringPrefix<ByteBuffer> last = null; ByteBuffer[] lastValues = {};
    for (int i = 0; i < n; i++) {
      boolean whole = r.nextInt(3) > 0; int size = whole ? types.size() : r.nextInt(types.size() + 1);
      ByteBuffer[] vs = new ByteBuffer[size];
      for (int k = 0; k < size; k++) vs[k] = k < lastValues.length && r.nextInt(3) > 0 ? lastValues[k] : r.nextInt(12) == 0 ? null : value(types.get(k), 0);
      ClusteringPrefix.Kind kind = whole && r.nextInt(3) > 0 ? ClusteringPrefix.Kind.CLUSTERING : KINDS[r.nextInt(KINDS.length)];
      ClusteringPrefix<ByteBuffer> p = kind == ClusteringPrefix.Kind.CLUSTERING ? BufferClustering.make(vs)
        : size == 0 ? (ClusteringPrefix<ByteBuffer>) (Object) (r.nextBoolean() ? BufferClusteringBound.BOTTOM : BufferClusteringBound.TOP)
        : kind.isBoundary() ? BufferClusteringBoundary.create(kind, vs) : BufferClusteringBound.create(kind, vs);
      List<String> parts = new ArrayList<>(); parts.add("\"" + p.kind() + "\""); for (ByteBuffer v : vs) parts.add(v == null ? "null" : "\"" + hex(v) + "\"");
      prefixes.add(join(parts)); forms.add(form(cc.asByteComparable(p).asComparableBytes(V)));
      if (last != null) order.add("" + Integer.signum(cc.compare(last, p))); last = p; lastValues = vs;
    }
    List<String> quoted = new ArrayList<>(); for (String s : names) quoted.add("\"" + s + "\"");
    System.out.println("{\"clustering\":" + join(quoted) + ",\"prefixes\":" + join(prefixes) + ",\"forms\":" + join(forms) + ",\"order\":" + join(order) + "}");
  }

  static void partitioner(IPartitioner p, int n) {
    List<String> keys = new ArrayList<>(), tokens = new ArrayList<>(), forms = new ArrayList<>(), order = new ArrayList<>(); List<DecoratedKey> dks = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      byte[] k = i < 70 ? zeroish(i) : i % 2 == 0 ? bytes(16) : bytes(r.nextInt(200));
      if (p instanceof LocalPartitioner) k = bytes(4);
      ByteBuffer b = ByteBuffer.wrap(k); DecoratedKey dk = p.decorateKey(b); dks.add(dk);
      keys.add("\"" + hex(b) + "\""); tokens.add("\"" + p.getTokenFactory().toString(dk.getToken()) + "\""); forms.add(form(dk.asComparableBytes(V)));
    }
    List<Integer> ix = new ArrayList<>(); for (int i = 0; i < n; i++) ix.add(i);
    ix.sort((x, y) -> dks.get(x).compareTo(dks.get(y))); for (int i : ix) order.add("" + i);
    System.out.println("{\"partitioner\":\"" + p.getClass().getName() + "\",\"keys\":" + join(keys) + ",\"tokens\":" + join(tokens) + ",\"forms\":" + join(forms) + ",\"order\":" + join(order) + "}");
  }

  public static void main(String[] a) {
    org.apache.cassandra.config.DatabaseDescriptor.toolInitialization();
    for (String s : "AsciiType UTF8Type BytesType InetAddressType DurationType Int32Type LongType ShortType ByteType FloatType DoubleType BooleanType SimpleDateType TimeType TimestampType DateType UUIDType TimeUUIDType LegacyTimeUUIDType LexicalUUIDType IntegerType DecimalType EmptyType".split(" ")) {
      type(P + s, 60); type(P + "ReversedType(" + P + s + ")", 15);
    }
    String i = P + "Int32Type", t = P + "UTF8Type", v = P + "IntegerType", u = P + "TimeUUIDType", d = P + "DecimalType";
    for (String s : new String[] { "FrozenType(" + P + "ListType(" + i + "))", "FrozenType(" + P + "SetType(" + t + "))", "FrozenType(" + P + "MapType(" + u + "," + P + "FrozenType(" + P + "ListType(" + v + "))))",
        "TupleType(" + i + "," + t + "," + d + ")", "TupleType(" + t + "," + P + "FrozenType(" + P + "SetType(" + i + ")))", "UserType(ks,61," + "62:" + i + ",63:" + t + ",64:" + d + ")",
        "VectorType(" + P + "FloatType , 3)", "VectorType(" + t + " , 2)", "VectorType(" + P + "UUIDType , 2)",
        "CompositeType(" + i + "," + t + "," + P + "UUIDType)", "CompositeType(" + t + "," + P + "ReversedType(" + i + "))",
        "DynamicCompositeType(b=>" + P + "BytesType,i=>" + v + ",t=>" + u + ",r=>" + P + "ReversedType(" + P + "LongType),s=>" + t + ")",
        "PartitionerDefinedOrder(org.apache.cassandra.dht.Murmur3Partitioner)", "PartitionerDefinedOrder(org.apache.cassandra.dht.RandomPartitioner)" }) {
      type(P + s, 60); if (!s.startsWith("Vector") && !s.startsWith("Partitioner")) type(P + "ReversedType(" + P + s + ")", 20);
    }
    String rev = P + "ReversedType(";
    clustering(120, i); clustering(120, rev + t + ")"); clustering(200, i, t); clustering(200, rev + i + ")", u, rev + P + "LongType)"); clustering(120, d, P + "BytesType", rev + P + "BytesType)", P + "BooleanType");
    partitioner(Murmur3Partitioner.instance, 300); partitioner(RandomPartitioner.instance, 120); partitioner(ByteOrderedPartitioner.instance, 120); partitioner(new LocalPartitioner(Int32Type.instance), 60);
    System.exit(0);
  }
}
