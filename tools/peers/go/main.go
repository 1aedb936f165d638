// Command peers runs service-discovery clients that other programs use, for interop tests: it registers
// and watches instances through them on a real server.
//
//	peers PEER register --server HOST:PORT [--namespace NAME] [--ttl SECONDS]
//	peers PEER watch    --server HOST:PORT [--namespace NAME] --service SERVICE
//	peers PEER time      --server HOST:PORT --service SERVICE --count N [--warm-up N]
//	peers PEER time-view --server HOST:PORT --service SERVICE --count N
//
// PEER is one of kratos-etcd, go-zero, etcd-naming, kratos-zookeeper and kratos-consul.
//
// register reads one command a line from standard input, `register JSON` or `deregister JSON`, where JSON
// is an instance ({"id","name","version","metadata","endpoints"}). It answers each with one line of JSON,
// {"done":"register","id":…} or {"error":…,"id":…}. Registering an id again updates it. At the end of its
// input, and on SIGTERM, it deregisters everything and ends.
//
// watch prints one line of JSON, {"instances":[…]}, for each view that the library hands to its user, and
// {"error":…} for each error of its reader. It ends with its input, and on SIGTERM.
//
// time and time-view measure for tools/bench, and print milliseconds as one line of JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/go-kratos/kratos/v2/registry"
	"github.com/zeromicro/go-zero/core/logx"
)

type options struct {
	server, namespace, service string
	ttlSeconds                 int64
	count, warmUp              int
}

type registrar interface {
	register(ctx context.Context, instance *registry.ServiceInstance) error
	deregister(ctx context.Context, instance *registry.ServiceInstance) error
}

// A peer is one library on one backend.
type peer struct {
	registrar func(options) (registrar, error)
	// watch calls shown with each view, and failed with each error of the reader, until it returns.
	watch func(ctx context.Context, opts options, shown func([]*registry.ServiceInstance), failed func(error)) error
}

var peers = map[string]peer{
	"kratos-etcd":      {newKratosEtcd, watchKratosEtcd},
	"go-zero":          {newGoZero, watchGoZero},
	"etcd-naming":      {newEtcdNaming, watchEtcdNaming},
	"kratos-zookeeper": {newKratosZooKeeper, watchKratosZooKeeper},
	"kratos-consul":    {newKratosConsul, watchKratosConsul},
}

var printing sync.Mutex

func printLine(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		line = []byte(fmt.Sprintf(`{"error":%q}`, err.Error()))
	}
	printing.Lock()
	defer printing.Unlock()
	fmt.Printf("%s\n", line)
}

func runRegistrar(ctx context.Context, to registrar) {
	lines := make(chan string)
	go func() {
		defer close(lines)
		input := bufio.NewScanner(os.Stdin)
		input.Buffer(nil, 1<<24)
		for input.Scan() {
			lines <- input.Text()
		}
	}()
	known := map[string]*registry.ServiceInstance{}
	for open := true; open; {
		select {
		case line, ok := <-lines:
			if open = ok; ok {
				execute(line, to, known)
			}
		case <-ctx.Done():
			open = false
		}
	}
	for _, instance := range known {
		if err := to.deregister(context.Background(), instance); err != nil {
			printLine(map[string]string{"error": err.Error(), "id": instance.ID})
		}
	}
}

func execute(line string, to registrar, known map[string]*registry.ServiceInstance) {
	verb, argument, _ := strings.Cut(line, " ")
	instance := &registry.ServiceInstance{}
	err := json.Unmarshal([]byte(argument), instance)
	key := instance.Name + "/" + instance.ID
	switch {
	case err != nil:
	case verb == "register":
		known[key] = instance
		err = to.register(context.Background(), instance)
	case verb == "deregister":
		delete(known, key)
		err = to.deregister(context.Background(), instance)
	default:
		err = fmt.Errorf("unknown command %q; expected register or deregister", verb)
	}
	if err != nil {
		printLine(map[string]string{"error": err.Error(), "id": instance.ID})
		return
	}
	printLine(map[string]string{"done": verb, "id": instance.ID})
}

func run() error {
	usage := "usage: peers PEER register|watch|time|time-view --server HOST:PORT [--namespace NAME] [--ttl SECONDS] [--service SERVICE] [--count N] [--warm-up N]"
	if len(os.Args) < 3 {
		return fmt.Errorf("%s", usage)
	}
	chosen, known := peers[os.Args[1]]
	if !known {
		return fmt.Errorf("unknown peer %q; %s", os.Args[1], usage)
	}
	opts := options{}
	flags := flag.NewFlagSet(os.Args[1], flag.ContinueOnError)
	flags.StringVar(&opts.server, "server", "", "host:port of the server")
	flags.StringVar(&opts.namespace, "namespace", "", "namespace; the library's default if empty")
	flags.StringVar(&opts.service, "service", "", "name of the watched service")
	flags.IntVar(&opts.count, "count", 1, "instances to measure with")
	flags.IntVar(&opts.warmUp, "warm-up", 0, "instances that come first and are not measured")
	flags.Int64Var(&opts.ttlSeconds, "ttl", 0, "ttl in seconds; the library's default if 0")
	if err := flags.Parse(os.Args[3:]); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	switch os.Args[2] {
	case "register":
		to, err := chosen.registrar(opts)
		if err != nil {
			return err
		}
		runRegistrar(ctx, to)
		return nil
	case "time":
		to, err := chosen.registrar(opts)
		if err != nil {
			return err
		}
		return measureCalls(to, opts)
	case "time-view":
		return measureView(ctx, chosen, opts)
	case "watch":
		shown := func(instances []*registry.ServiceInstance) {
			if instances == nil {
				instances = []*registry.ServiceInstance{}
			}
			printLine(map[string]any{"instances": instances})
		}
		// so that it never outlives the program that started it
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
		failed := func(err error) { printLine(map[string]string{"error": err.Error()}) }
		return chosen.watch(ctx, opts, shown, failed)
	}
	return fmt.Errorf("unknown verb %q; %s", os.Args[2], usage)
}

func main() {
	// standard output is for this program's own lines
	logx.SetWriter(logx.NewWriter(os.Stderr))
	logx.DisableStat()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
