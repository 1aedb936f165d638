package sd.peers;

import com.ecwid.consul.v1.ConsulClient;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.function.Consumer;
import org.springframework.beans.factory.support.StaticListableBeanFactory;
import org.springframework.cloud.client.serviceregistry.AutoServiceRegistrationProperties;
import org.springframework.cloud.commons.util.InetUtils;
import org.springframework.cloud.commons.util.InetUtilsProperties;
import org.springframework.cloud.consul.discovery.ConsulDiscoveryClient;
import org.springframework.cloud.consul.discovery.ConsulDiscoveryProperties;
import org.springframework.cloud.consul.discovery.HeartbeatProperties;
import org.springframework.cloud.consul.discovery.ReregistrationPredicate;
import org.springframework.cloud.consul.discovery.TtlScheduler;
import org.springframework.cloud.consul.serviceregistry.ApplicationStatusProvider;
import org.springframework.cloud.consul.serviceregistry.ConsulAutoRegistration;
import org.springframework.cloud.consul.serviceregistry.ConsulServiceRegistry;
import org.springframework.context.support.GenericApplicationContext;

/** Spring Cloud Consul's registry and client in heartbeat mode, without an application around them. */
final class SpringConsulPeer extends RegisteringPeer<ConsulAutoRegistration> {
  private final ConsulClient client;
  private final HeartbeatProperties heartbeat = new HeartbeatProperties();
  private final ConsulServiceRegistry registry;
  private final ConsulDiscoveryClient discovery;

  SpringConsulPeer(Options options) {
    client = new ConsulClient(options.host(), options.port());
    heartbeat.setEnabled(true);
    heartbeat.setTtl(Duration.ofSeconds(options.ttlSeconds()));
    heartbeat.setReregisterServiceOnFailure(true);
    var properties = properties();
    properties.setQueryPassing(true);
    var scheduler =
        new TtlScheduler(
            heartbeat,
            properties,
            client,
            ReregistrationPredicate.DEFAULT,
            new StaticListableBeanFactory().getBeanProvider(ApplicationStatusProvider.class));
    registry = new ConsulServiceRegistry(client, properties, scheduler, heartbeat);
    discovery = new ConsulDiscoveryClient(client, properties);
  }

  private static ConsulDiscoveryProperties properties() {
    return new ConsulDiscoveryProperties(new InetUtils(new InetUtilsProperties()));
  }

  @Override
  ConsulAutoRegistration registration(Instance instance) {
    var endpoint = instance.endpoint().orElseThrow();
    var properties = properties();
    properties.setServiceName(instance.name());
    properties.setInstanceId(instance.id());
    properties.setHostname(endpoint.getHost());
    properties.setPort(endpoint.getPort());
    properties.setScheme(endpoint.getScheme());
    var metadata = new LinkedHashMap<>(instance.metadata());
    properties.setInstanceZone(metadata.remove("zone"));
    properties.setMetadata(metadata);
    var context = new GenericApplicationContext();
    context.refresh();
    return ConsulAutoRegistration.registration(
        new AutoServiceRegistrationProperties(),
        properties,
        context,
        List.of(),
        List.of(),
        heartbeat);
  }

  @Override
  void write(ConsulAutoRegistration next, ConsulAutoRegistration before) {
    registry.register(next);
  }

  @Override
  void remove(ConsulAutoRegistration last) {
    registry.deregister(last);
  }

  @Override
  public void watch(String service, Consumer<List<Instance>> shown, Consumer<Throwable> failed) {
    SpringInstances.watch(discovery, service, shown, failed);
  }
}
