package sd.peers;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The milliseconds of calls of a peer, one after the other, for benchmarks. */
final class Measured {
  private interface Call {
    void with(Instance instance) throws Exception;
  }

  private Measured() {}

  /** Registers and deregisters instances; the first ones warm up, and are left out. */
  static Map<String, List<Double>> calls(Peer peer, Options options) throws Exception {
    List<Instance> instances = new ArrayList<>();
    for (int index = 0; index < options.warmUp() + options.count(); index++)
      instances.add(
          new Instance(
              "i" + index,
              options.service(),
              "",
              Map.of(),
              List.of("http://10.0.0.1:" + (8000 + index))));
    List<Double> register = timed(instances, peer::register);
    List<Double> deregister = timed(instances, peer::deregister);
    return Map.of(
        "register", register.subList(options.warmUp(), register.size()),
        "deregister", deregister.subList(options.warmUp(), deregister.size()));
  }

  private static List<Double> timed(List<Instance> instances, Call call) throws Exception {
    List<Double> took = new ArrayList<>();
    for (Instance instance : instances) {
      long began = System.nanoTime();
      call.with(instance);
      took.add((System.nanoTime() - began) / 1e6);
    }
    return took;
  }
}
