package sd.peers;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Registers and watches instances through the discovery libraries of Java programs, for interop
 * tests. The Go program beside it describes the command line and the lines on standard input and
 * output, which are the same here. The peers are curator, spring-zookeeper, dubbo and spring-consul.
 */
public final class Main {
  private static final ObjectMapper JSON =
      new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);
  private static final PrintStream LINES = System.out;

  private Main() {}

  public static void main(String[] arguments) throws Exception {
    // standard output is for this program's own lines
    System.setOut(System.err);
    if (arguments.length < 2)
      throw new IllegalArgumentException(
          "usage: PEER register|watch|time --server HOST:PORT [--namespace NAME] [--ttl SECONDS]"
              + " [--service SERVICE] [--count N] [--warm-up N]");
    Options options = Options.parse(arguments, 2);
    // the only way to tell Dubbo
    System.setProperty(
        "curator-default-session-timeout", String.valueOf(options.ttlSeconds() * 1000));
    Peer peer = connect(arguments[0], options);
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    if (arguments[1].equals("time")) {
      print(Measured.calls(peer, options));
    } else if (arguments[1].equals("watch")) {
      peer.watch(
          options.service(),
          instances -> print(Map.of("instances", instances)),
          error -> print(Map.of("error", String.valueOf(error))));
      while (input.readLine() != null) {}
    } else {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> deregisterAll(peer)));
      for (String line = input.readLine(); line != null; line = input.readLine())
        execute(line, peer);
    }
    System.exit(0);
  }

  private static Peer connect(String name, Options options) throws Exception {
    return switch (name) {
      case "curator" -> new CuratorPeer(options);
      case "spring-zookeeper" -> new SpringZooKeeperPeer(options);
      case "dubbo" -> new DubboPeer(options);
      case "spring-consul" -> new SpringConsulPeer(options);
      default -> throw new IllegalArgumentException("unknown peer " + name);
    };
  }

  private static void execute(String line, Peer peer) {
    int space = line.indexOf(' ');
    String verb = line.substring(0, space);
    String id = "";
    try {
      Instance instance = JSON.readValue(line.substring(space + 1), Instance.class);
      id = instance.id();
      if (verb.equals("register")) peer.register(instance);
      else peer.deregister(instance);
      print(Map.of("done", verb, "id", id));
    } catch (Exception error) {
      print(Map.of("error", String.valueOf(error), "id", id));
    }
  }

  private static void deregisterAll(Peer peer) {
    try {
      peer.deregisterAll();
    } catch (Exception error) {
      print(Map.of("error", String.valueOf(error), "id", ""));
    }
  }

  private static synchronized void print(Map<String, ?> line) {
    try {
      LINES.println(JSON.writeValueAsString(line));
      LINES.flush();
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }
}
