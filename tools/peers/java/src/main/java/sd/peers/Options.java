package sd.peers;

/** The options of the command line. */
record Options(
    String server, String namespace, String service, int ttlSeconds, int count, int warmUp) {
  static Options parse(String[] arguments, int from) {
    String server = "";
    String namespace = "";
    String service = "";
    int ttlSeconds = 10;
    int count = 1;
    int warmUp = 0;
    for (int at = from; at + 1 < arguments.length; at += 2) {
      String value = arguments[at + 1];
      switch (arguments[at]) {
        case "--server" -> server = value;
        case "--namespace" -> namespace = value;
        case "--service" -> service = value;
        case "--ttl" -> ttlSeconds = Integer.parseInt(value);
        case "--count" -> count = Integer.parseInt(value);
        case "--warm-up" -> warmUp = Integer.parseInt(value);
        default -> throw new IllegalArgumentException("unknown option " + arguments[at]);
      }
    }
    return new Options(server, namespace, service, ttlSeconds, count, warmUp);
  }

  String namespaceOr(String fallback) {
    return namespace.isEmpty() ? fallback : namespace;
  }

  String host() {
    return server.substring(0, server.lastIndexOf(':'));
  }

  int port() {
    return Integer.parseInt(server.substring(server.lastIndexOf(':') + 1));
  }
}
