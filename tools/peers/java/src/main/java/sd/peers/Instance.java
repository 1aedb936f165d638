package sd.peers;

import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An instance as the commands of this program name it, the same for every peer. */
record Instance(
    String id, String name, String version, Map<String, String> metadata, List<String> endpoints) {
  Instance {
    metadata = metadata == null ? Map.of() : metadata;
    endpoints = endpoints == null ? List.of() : endpoints;
  }

  /** The first endpoint of one of the schemes. */
  Optional<URI> endpoint(String... schemes) {
    return endpoints.stream()
        .map(URI::create)
        .filter(uri -> schemes.length == 0 || List.of(schemes).contains(uri.getScheme()))
        .findFirst();
  }
}
