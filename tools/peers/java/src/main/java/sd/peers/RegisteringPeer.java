package sd.peers;

import java.util.LinkedHashMap;
import java.util.Map;

/** A peer whose library deregisters what it was given to register, of type {@code R}. */
abstract class RegisteringPeer<R> implements Peer {
  private final Map<String, R> registered = new LinkedHashMap<>();

  @Override
  public final synchronized void register(Instance instance) throws Exception {
    R next = registration(instance);
    write(next, registered.get(keyOf(instance)));
    registered.put(keyOf(instance), next);
  }

  @Override
  public final synchronized void deregister(Instance instance) throws Exception {
    R last = registered.remove(keyOf(instance));
    if (last != null) remove(last);
  }

  @Override
  public final synchronized void deregisterAll() throws Exception {
    for (R last : registered.values()) remove(last);
    registered.clear();
  }

  private static String keyOf(Instance instance) {
    return instance.name() + "/" + instance.id();
  }

  /** The library's own form of an instance. */
  abstract R registration(Instance instance) throws Exception;

  /** Registers, or updates what was registered {@code before}, which is null for a new instance. */
  abstract void write(R next, R before) throws Exception;

  abstract void remove(R last) throws Exception;
}
