package sd.peers;

import java.util.List;
import java.util.function.Consumer;

/** One library on one backend. */
interface Peer {
  /** Registers an instance, or updates it if it is registered. */
  void register(Instance instance) throws Exception;

  void deregister(Instance instance) throws Exception;

  void deregisterAll() throws Exception;

  /** Calls {@code shown} with each view of a service, and {@code failed} with each error of the reader. */
  void watch(String service, Consumer<List<Instance>> shown, Consumer<Throwable> failed)
      throws Exception;
}
