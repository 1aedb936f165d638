package sd.peers;

import java.util.List;
import java.util.function.Consumer;
import org.springframework.cloud.client.discovery.DiscoveryClient;

/** Reads through Spring's own interface of discovery, which has no watch: as its load balancer does. */
final class SpringInstances {
  private SpringInstances() {}

  static void watch(
      DiscoveryClient client,
      String service,
      Consumer<List<Instance>> shown,
      Consumer<Throwable> failed) {
    Polling.watch(
        () ->
            client.getInstances(service).stream()
                .map(
                    found ->
                        new Instance(
                            found.getInstanceId(),
                            found.getServiceId(),
                            "",
                            found.getMetadata(),
                            List.of(found.getUri().toString())))
                .toList(),
        shown,
        failed);
  }
}
