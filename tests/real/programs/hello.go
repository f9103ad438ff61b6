// Goroutines, channels, timers, the garbage collector: the runtime's threads, futexes and signals.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

func main() {
	sums := make(chan int)
	var all sync.WaitGroup
	for i := 0; i < 1000; i++ {
		all.Add(1)
		go func(n int) {
			defer all.Done()
			garbage := make([][]byte, 0, 16)
			for j := 0; j < 16; j++ {
				garbage = append(garbage, make([]byte, 1024))
			}
			sums <- n + len(garbage)
		}(i)
	}
	go func() { all.Wait(); close(sums) }()
	total := 0
	for n := range sums {
		total += n
	}
	runtime.GC()
	tick := time.NewTicker(2 * time.Millisecond)
	for i := 0; i < 5; i++ {
		<-tick.C
	}
	select {
	case <-time.After(5 * time.Millisecond):
	case <-make(chan int):
	}
	// Preemption: this loop has no call in it, the runtime's signal must break it up.
	done := make(chan bool)
	go func() { time.Sleep(time.Millisecond); done <- true }()
	x := uint32(1)
	for i := 0; i < 50_000_000; i++ {
		x = x*1664525 + 1013904223
	}
	<-done
	defer func() {
		fmt.Println("recovered:", recover())
		os.Exit(3)
	}()
	fmt.Println("hello from Go:", total, x)
	var nothing *int
	*nothing = 1
}
