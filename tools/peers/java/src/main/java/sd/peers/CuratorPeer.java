package sd.peers;

import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.UriSpec;
import org.apache.curator.x.discovery.details.ServiceCacheListener;

/** Curator's x-discovery, with a map as its payload. */
@SuppressWarnings("rawtypes")
final class CuratorPeer extends RegisteringPeer<ServiceInstance<Map>> {
  private static final String URI_SPEC = "{scheme}://{address}:{port}";

  private final ServiceDiscovery<Map> discovery;

  CuratorPeer(Options options) throws Exception {
    CuratorFramework client = Curators.connect(options);
    discovery =
        ServiceDiscoveryBuilder.builder(Map.class)
            .client(client)
            .basePath("/" + options.namespaceOr("services"))
            .build();
    discovery.start();
  }

  @Override
  ServiceInstance<Map> registration(Instance instance) throws Exception {
    var builder = ServiceInstance.<Map>builder().name(instance.name()).id(instance.id());
    instance.endpoint().map(URI::getHost).ifPresent(builder::address);
    instance.endpoint("http").map(URI::getPort).ifPresent(builder::port);
    instance.endpoint("https").map(URI::getPort).ifPresent(builder::sslPort);
    builder.payload(new LinkedHashMap<>(instance.metadata())).uriSpec(new UriSpec(URI_SPEC));
    return builder.build();
  }

  @Override
  void write(ServiceInstance<Map> next, ServiceInstance<Map> before) throws Exception {
    if (before == null) discovery.registerService(next);
    else discovery.updateService(next);
  }

  @Override
  void remove(ServiceInstance<Map> last) throws Exception {
    discovery.unregisterService(last);
  }

  @Override
  public void watch(String service, Consumer<List<Instance>> shown, Consumer<Throwable> failed)
      throws Exception {
    var cache = discovery.serviceCacheBuilder().name(service).build();
    var queries = Executors.newSingleThreadExecutor();
    var due = new AtomicBoolean();
    // other users ask without a cache: one record that it cannot read fails their whole call
    Runnable query =
        () -> {
          due.set(false);
          try {
            discovery.queryForInstances(service);
          } catch (Exception error) {
            failed.accept(error);
          }
        };
    Runnable show =
        () -> {
          shown.accept(cache.getInstances().stream().map(CuratorPeer::read).toList());
          // it reads every node: once for all changes that come meanwhile
          if (due.compareAndSet(false, true)) queries.execute(query);
        };
    cache.addListener(
        new ServiceCacheListener() {
          @Override
          public void cacheChanged() {
            show.run();
          }

          @Override
          public void stateChanged(CuratorFramework client, ConnectionState state) {}
        });
    cache.start();
    show.run();
  }

  private static Instance read(ServiceInstance<Map> found) {
    List<String> endpoints = new ArrayList<>();
    if (found.getPort() != null)
      endpoints.add("http://" + found.getAddress() + ":" + found.getPort());
    if (found.getSslPort() != null)
      endpoints.add("https://" + found.getAddress() + ":" + found.getSslPort());
    Map<String, String> metadata = new LinkedHashMap<>();
    if (found.getPayload() != null)
      for (Object entry : found.getPayload().entrySet())
        metadata.put(
            String.valueOf(((Map.Entry) entry).getKey()),
            String.valueOf(((Map.Entry) entry).getValue()));
    return new Instance(found.getId(), found.getName(), "", metadata, endpoints);
  }
}
