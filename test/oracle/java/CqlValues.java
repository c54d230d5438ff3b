import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.db.marshal.AbstractType;
import org.apache.cassandra.db.marshal.TypeParser;
import org.apache.cassandra.transport.ProtocolVersion;
import org.apache.cassandra.utils.ByteBufferUtil;

/**
 * Asks Cassandra about values. One question a line on standard input, fields between tabs, texts as JSON strings:
 *   value TYPE HEX        answers [JSON, getString, CQL literal, what the literal parses back to (hex), why it is invalid]
 *   string TYPE TEXT      answers fromString as hex
 *   literal TYPE TEXT     answers the bytes of a CQL literal as hex
 *   type TYPE             answers [toString, CQL name, valueLengthIfFixed, isMultiCell]
 * One answer a line; null where Cassandra throws.
 */
public class CqlValues
{
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final boolean VERBOSE = Boolean.getBoolean("verbose");

    public static void main(String[] args) throws Exception
    {
        DatabaseDescriptor.toolInitialization();
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine())
        {
            String[] question = line.split("\t", -1);
            AbstractType<?> type = TypeParser.parse(question[1]);
            out.println(JSON.writeValueAsString(answer(question, type)));
        }
        out.flush();
        System.exit(0);
    }

    private static Object answer(String[] question, AbstractType<?> type) throws Exception
    {
        switch (question[0])
        {
            case "value":
                return value(type, ByteBufferUtil.hexToBytes(question[2]));
            case "string":
                return attempt(() -> hex(type.fromString(JSON.readValue(question[2], String.class))));
            case "literal":
                return attempt(() -> hex(type.asCQL3Type().fromCQLLiteral(JSON.readValue(question[2], String.class))));
            case "type":
                return List.of(type.toString(), type.asCQL3Type().toString(), type.valueLengthIfFixed(), type.isMultiCell());
            default:
                throw new IllegalArgumentException(question[0]);
        }
    }

    private static List<Object> value(AbstractType<?> type, ByteBuffer bytes)
    {
        List<Object> answers = new ArrayList<>();
        answers.add(attempt(() -> type.toJSONString(bytes.duplicate(), ProtocolVersion.CURRENT)));
        answers.add(attempt(() -> type.getString(bytes.duplicate())));
        Object literal = attempt(() -> type.toCQLString(bytes.duplicate()));
        answers.add(literal);
        answers.add(literal == null ? null : attempt(() -> hex(type.asCQL3Type().fromCQLLiteral((String) literal))));
        answers.add(Boolean.TRUE.equals(attempt(() -> { type.validate(bytes.duplicate()); return true; })));
        return answers;
    }

    private static Object attempt(Callable<Object> question)
    {
        try
        {
            return question.call();
        }
        catch (Throwable t)
        {
            return VERBOSE ? "!" + t : null;
        }
    }

    private static String hex(ByteBuffer bytes)
    {
        return bytes == null ? null : ByteBufferUtil.bytesToHex(bytes);
    }
}
