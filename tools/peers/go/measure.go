package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-kratos/kratos/v2/registry"
)

func milliseconds(of time.Duration) float64 { return float64(of.Nanoseconds()) / 1e6 }

// timed calls call with each of the instances, one after the other.
func timed(instances []*registry.ServiceInstance, call func(context.Context, *registry.ServiceInstance) error) ([]float64, error) {
	took := make([]float64, 0, len(instances))
	for _, instance := range instances {
		began := time.Now()
		if err := call(context.Background(), instance); err != nil {
			return nil, err
		}
		took = append(took, milliseconds(time.Since(began)))
	}
	return took, nil
}

// measureCalls registers and deregisters instances of a service, first some to warm up, and prints the
// milliseconds that each call of the others took.
func measureCalls(to registrar, opts options) error {
	instances := make([]*registry.ServiceInstance, opts.count+opts.warmUp)
	for index := range instances {
		instances[index] = &registry.ServiceInstance{
			ID: fmt.Sprintf("i%d", index), Name: opts.service, Endpoints: []string{fmt.Sprintf("10.0.0.1:%d", 8000+index)},
		}
	}
	register, err := timed(instances, to.register)
	if err != nil {
		return err
	}
	deregister, err := timed(instances, to.deregister)
	if err != nil {
		return err
	}
	printLine(map[string][]float64{"register": register[opts.warmUp:], "deregister": deregister[opts.warmUp:]})
	return nil
}

// measureView watches a service and prints the milliseconds until a view had all of its instances.
func measureView(ctx context.Context, watching peer, opts options) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	began := time.Now()
	shown := func(instances []*registry.ServiceInstance) {
		if len(instances) >= opts.count {
			printLine(map[string]float64{"view": milliseconds(time.Since(began))})
			stop()
		}
	}
	var failure error
	failed := func(err error) { failure = err; stop() }
	if err := watching.watch(ctx, opts, shown, failed); err != nil {
		return err
	}
	return failure
}
