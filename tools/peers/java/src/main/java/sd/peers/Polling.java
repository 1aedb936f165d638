package sd.peers;

import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/** Watches through a client that only answers questions, as Spring's load balancer does. */
final class Polling {
  private Polling() {}

  static void watch(
      Callable<List<Instance>> ask,
      Consumer<List<Instance>> shown,
      Consumer<Throwable> failed) {
    Thread thread =
        new Thread(
            () -> {
              List<Instance> last = null;
              while (!Thread.interrupted()) {
                try {
                  List<Instance> next =
                      ask.call().stream().sorted(Comparator.comparing(Instance::id)).toList();
                  if (!next.equals(last)) shown.accept(next);
                  last = next;
                  Thread.sleep(100);
                } catch (InterruptedException ended) {
                  return;
                } catch (Exception error) {
                  failed.accept(error);
                  try {
                    Thread.sleep(500);
                  } catch (InterruptedException ended) {
                    return;
                  }
                }
              }
            });
    thread.setDaemon(true);
    thread.start();
  }
}
