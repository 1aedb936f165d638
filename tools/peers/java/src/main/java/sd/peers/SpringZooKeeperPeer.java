package sd.peers;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.function.Consumer;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.details.InstanceSerializer;
import org.apache.curator.x.discovery.details.JsonInstanceSerializer;
import org.springframework.cloud.commons.util.InetUtils;
import org.springframework.cloud.commons.util.InetUtilsProperties;
import org.springframework.cloud.zookeeper.discovery.ZookeeperDiscoveryClient;
import org.springframework.cloud.zookeeper.discovery.ZookeeperDiscoveryProperties;
import org.springframework.cloud.zookeeper.discovery.ZookeeperInstance;
import org.springframework.cloud.zookeeper.serviceregistry.ServiceInstanceRegistration;
import org.springframework.cloud.zookeeper.serviceregistry.ZookeeperServiceRegistry;

/** Spring Cloud ZooKeeper's registry and client, without an application around them. */
final class SpringZooKeeperPeer extends RegisteringPeer<ServiceInstanceRegistration> {
  private final ServiceDiscovery<ZookeeperInstance> discovery;
  private final ZookeeperDiscoveryClient client;
  private final ZookeeperServiceRegistry registry;

  SpringZooKeeperPeer(Options options) throws Exception {
    CuratorFramework curator = Curators.connect(options);
    var properties =
        new ZookeeperDiscoveryProperties(new InetUtils(new InetUtilsProperties()));
    InstanceSerializer<ZookeeperInstance> serializer =
        new JsonInstanceSerializer<>(ZookeeperInstance.class);
    discovery =
        ServiceDiscoveryBuilder.builder(ZookeeperInstance.class)
            .client(curator)
            .basePath("/" + options.namespaceOr("services"))
            .serializer(serializer)
            .build();
    discovery.start();
    registry = new ZookeeperServiceRegistry(discovery);
    client = new ZookeeperDiscoveryClient(discovery, null, properties);
  }

  @Override
  ServiceInstanceRegistration registration(Instance instance) {
    var endpoint = instance.endpoint().orElseThrow();
    var metadata = new LinkedHashMap<>(instance.metadata());
    // as ZookeeperAutoServiceRegistrationAutoConfiguration does
    metadata.putIfAbsent("instance_status", "UP");
    var builder =
        ServiceInstanceRegistration.builder()
            .id(instance.id())
            .address(endpoint.getHost())
            .name(instance.name())
            .payload(new ZookeeperInstance("application-1", instance.name(), metadata))
            .port(endpoint.getPort());
    instance.endpoint("https").ifPresent(secure -> builder.sslPort(secure.getPort()));
    builder.defaultUriSpec();
    return builder.build();
  }

  @Override
  void write(ServiceInstanceRegistration next, ServiceInstanceRegistration before)
      throws Exception {
    if (before == null) registry.register(next);
    else discovery.updateService(next.getServiceInstance());
  }

  @Override
  void remove(ServiceInstanceRegistration last) {
    registry.deregister(last);
  }

  @Override
  public void watch(String service, Consumer<List<Instance>> shown, Consumer<Throwable> failed) {
    SpringInstances.watch(client, service, shown, failed);
  }
}
