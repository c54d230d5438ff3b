import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.db.Mutation;
import org.apache.cassandra.db.commitlog.*;
import org.apache.cassandra.schema.TableId;

/**
 * Reads commit log segments with Cassandra's own reader, told to ignore errors.
 * Arguments: a file with lines "path tolerateTruncation", and where to write a line each: path TAB mutations TAB errors, as reason:permissible.
 * Mutations are counted as those of unknown tables: there is no schema here.
 */
public class CommitLogFaults
{
    /** A reader that reports the same again and again. */
    static class Endless extends RuntimeException {}

    static class Handler implements CommitLogReadHandler
    {
        final List<String> errors = new ArrayList<>();
        int mutations;

        public boolean shouldSkipSegmentOnError(CommitLogReadException e)
        {
            note(e);
            return false;
        }

        public void handleUnrecoverableError(CommitLogReadException e)
        {
            note(e);
        }

        private void note(CommitLogReadException e)
        {
            errors.add(e.reason + ":" + e.permissible);
            if (errors.size() > 200) throw new Endless();
        }

        public void handleMutation(Mutation m, int size, int entryLocation, CommitLogDescriptor desc)
        {
            mutations++;
        }
    }

    public static void main(String[] args) throws Exception
    {
        DatabaseDescriptor.toolInitialization();
        try (PrintWriter out = new PrintWriter(args[1]))
        {
            for (String line : Files.readAllLines(Paths.get(args[0])))
            {
                String[] parts = line.split(" ");
                Handler handler = new Handler();
                CommitLogReader reader = new CommitLogReader();
                String end = "";
                try
                {
                    reader.readCommitLogSegment(handler, new org.apache.cassandra.io.util.File(parts[0]), Boolean.parseBoolean(parts[1]));
                }
                catch (Endless e)
                {
                    end = "ENDLESS";
                }
                catch (Throwable t)
                {
                    end = "THROWN " + t.getClass().getSimpleName();
                }
                int mutations = handler.mutations;
                for (Map.Entry<TableId, AtomicInteger> entry : reader.getInvalidMutations()) mutations += entry.getValue().get();
                List<String> errors = end.equals("ENDLESS") ? handler.errors.subList(200, 201) : handler.errors;
                out.println(parts[0] + "\t" + mutations + "\t" + String.join(" ", errors) + "\t" + end);
            }
        }
        System.exit(0);
    }
}
