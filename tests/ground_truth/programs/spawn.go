// Start programs from many goroutines at once: spawn ROUNDS.
//
// The runtime's threads do the forking, each by clone with CLONE_VFORK, and come and go.
package main

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
)

const atOnce = 4

func start(failed chan<- error) {
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	if err := exec.Command("/bin/true").Run(); err != nil {
		failed <- err
	}
}

func main() {
	rounds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	failed := make(chan error, rounds*atOnce)
	for i := 0; i < rounds; i++ {
		var group sync.WaitGroup
		for j := 0; j < atOnce; j++ {
			group.Add(1)
			go func() {
				defer group.Done()
				start(failed)
			}()
		}
		group.Wait()
	}
	if len(failed) > 0 {
		panic(<-failed)
	}
}
