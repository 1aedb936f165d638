package sd.peers;

import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.ExponentialBackoffRetry;

/** Connects Curator to a server. */
final class Curators {
  private Curators() {}

  static CuratorFramework connect(Options options) throws InterruptedException {
    CuratorFramework client =
        CuratorFrameworkFactory.builder()
            .connectString(options.server())
            .sessionTimeoutMs(options.ttlSeconds() * 1000)
            .connectionTimeoutMs(5000)
            .retryPolicy(new ExponentialBackoffRetry(100, 5))
            .build();
    client.start();
    if (!client.blockUntilConnected(20, TimeUnit.SECONDS))
      throw new IllegalStateException("no connection to " + options.server() + " within 20 s");
    return client;
  }
}
