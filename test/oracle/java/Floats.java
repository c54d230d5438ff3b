import java.io.BufferedReader;
import java.io.InputStreamReader;

/** Java's text of doubles (16 hex digits a line) and floats (8), one JSON string a line: `[hex, text]`. Needs JDK 19 or later, see JDK-4511638. */
public class Floats
{
    public static void main(String[] args) throws Exception
    {
        if (Runtime.version().feature() < 19)
            throw new IllegalStateException("JDK 19 or later is needed, not " + Runtime.version());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        StringBuilder out = new StringBuilder();
        for (String line = in.readLine(); line != null; line = in.readLine())
        {
            String text = line.length() == 16
                        ? Double.toString(Double.longBitsToDouble(Long.parseUnsignedLong(line, 16)))
                        : Float.toString(Float.intBitsToFloat(Integer.parseUnsignedInt(line, 16)));
            out.append("[\"").append(line).append("\",\"").append(text).append("\"]\n");
        }
        System.out.print(out);
    }
}
