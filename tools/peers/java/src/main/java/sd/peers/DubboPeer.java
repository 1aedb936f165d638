package sd.peers;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.dubbo.common.URL;
import org.apache.dubbo.registry.client.DefaultServiceInstance;
import org.apache.dubbo.registry.client.ServiceInstance;
import org.apache.dubbo.registry.client.event.ServiceInstancesChangedEvent;
import org.apache.dubbo.registry.client.event.listener.ServiceInstancesChangedListener;
import org.apache.dubbo.registry.client.metadata.ServiceInstanceMetadataUtils;
import org.apache.dubbo.registry.zookeeper.ZookeeperServiceDiscovery;
import org.apache.dubbo.rpc.model.ApplicationModel;

/** Dubbo's discovery at the level of applications. */
final class DubboPeer extends RegisteringPeer<DefaultServiceInstance> {
  private final ApplicationModel application = ApplicationModel.defaultModel();
  private final ZookeeperServiceDiscovery discovery;

  DubboPeer(Options options) {
    application.getApplicationConfigManager().setApplication(
        new org.apache.dubbo.config.ApplicationConfig("sd-peers"));
    URL url =
        new URL("zookeeper", options.host(), options.port())
            .addParameter("rootPath", "/" + options.namespaceOr("services"));
    discovery = new ZookeeperServiceDiscovery(application, url);
  }

  @Override
  DefaultServiceInstance registration(Instance instance) {
    var endpoint = instance.endpoint().orElseThrow();
    var built =
        new DefaultServiceInstance(
            instance.name(), endpoint.getHost(), endpoint.getPort(), application);
    built.setMetadata(new LinkedHashMap<>(instance.metadata()));
    Map<String, Integer> ports = new LinkedHashMap<>();
    instance.endpoints().stream()
        .map(java.net.URI::create)
        .forEach(uri -> ports.put(uri.getScheme(), uri.getPort()));
    ServiceInstanceMetadataUtils.setEndpoints(built, ports);
    return built;
  }

  @Override
  void write(DefaultServiceInstance next, DefaultServiceInstance before) {
    if (before != null) discovery.doUnregister(before);
    discovery.doRegister(next);
  }

  @Override
  void remove(DefaultServiceInstance last) {
    discovery.doUnregister(last);
  }

  @Override
  public void watch(String service, Consumer<List<Instance>> shown, Consumer<Throwable> failed) {
    var listener =
        new ServiceInstancesChangedListener(Set.of(service), discovery) {
          @Override
          public void onEvent(ServiceInstancesChangedEvent event) {
            show(event.getServiceInstances(), shown);
          }
        };
    discovery.addServiceInstancesChangedListener(listener);
    show(discovery.getInstances(service), shown);
  }

  private static void show(List<ServiceInstance> found, Consumer<List<Instance>> shown) {
    shown.accept(
        found.stream()
            .map(
                each ->
                    new Instance(
                        each.getAddress(),
                        each.getServiceName(),
                        "",
                        each.getMetadata(),
                        List.of(each.getAddress())))
            .toList());
  }
}
