package procfs

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
)

func needLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has /proc")
	}
}

func TestParse(t *testing.T) {
	// A program may be called anything.
	line := "1234 (a) b (c 7) S 42 1234 1234 0 -1 4194304 100 200 0 0 150 50 30 20 20 0 8 0 1000 5 6"
	p, ok := parse([]byte(line))
	if want := (process{parent: 42, own: 2 * time.Second, reaped: 500 * time.Millisecond}); !ok || p != want {
		t.Errorf("%q is %+v, want %+v", line, p, want)
	}
	for _, broken := range []string{"", "1234", "1234 (x", "1234 (x) S 42"} {
		if p, ok := parse([]byte(broken)); ok {
			t.Errorf("%q is %+v", broken, p)
		}
	}
}

func TestSumCountsDescendantsOnce(t *testing.T) {
	// 10 is a server with two children, of which 12 is a server too; 20 is another.
	all := map[int]process{
		1:  {own: time.Hour},
		10: {parent: 1, own: 1 * time.Second, reaped: 2 * time.Second},
		11: {parent: 10, own: 4 * time.Second},
		12: {parent: 10, own: 8 * time.Second},
		13: {parent: 12, own: 16 * time.Second, reaped: 32 * time.Second},
		20: {parent: 1, own: 64 * time.Second},
		30: {parent: 1, own: time.Hour},
	}
	got := sum(all, []int{10, 12, 20, 99})
	want := map[int]time.Duration{10: 7 * time.Second, 12: 56 * time.Second, 20: 64 * time.Second}
	if len(got) != len(want) {
		t.Errorf("times are %v, want %v", got, want)
	}
	for pid, time := range want {
		if got[pid] != time {
			t.Errorf("%d has used %s, want %s", pid, got[pid], time)
		}
	}
}

func TestSameFamilyNoticesAReapedChild(t *testing.T) {
	roots, others := []int{10}, process{parent: 1}
	a := map[int]process{10: {parent: 1, reaped: time.Second}, 12: {parent: 10}, 20: others}
	for name, b := range map[string]map[int]process{
		"used some time": {10: {parent: 1, reaped: time.Second}, 12: {parent: 10, own: time.Second}, 20: others},
		"others changed": {10: {parent: 1, reaped: time.Second}, 12: {parent: 10}, 21: others},
	} {
		if !sameFamily(a, b, roots) {
			t.Errorf("%s: that is taken for another family", name)
		}
	}
	for name, b := range map[string]map[int]process{
		"reaped":   {10: {parent: 1, reaped: 2 * time.Second}, 12: {parent: 10}},
		"gone":     {10: {parent: 1, reaped: time.Second}},
		"replaced": {10: {parent: 1, reaped: time.Second}, 13: {parent: 10}},
		"adopted":  {10: {parent: 1, reaped: time.Second}, 12: {parent: 1}},
	} {
		if sameFamily(a, b, roots) {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func TestTimesIncludeAChildThatHasEnded(t *testing.T) {
	needLinux(t)
	before := Times(os.Getpid())[os.Getpid()]
	// The shell counts until it has used a noticeable time, and is reaped.
	if out, err := exec.Command("sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if used := Times(os.Getpid())[os.Getpid()] - before; used < 2*tick {
		t.Errorf("a busy child has used %s", used)
	}
	if got := Times(1 << 30); len(got) != 0 {
		t.Errorf("a process that does not exist has used %v", got)
	}
	if busy, ok := Busy(); !ok || busy < before {
		t.Errorf("the machine has been busy for %s, and this process alone for %s", busy, before)
	}
}

func TestListener(t *testing.T) {
	needLinux(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if pid, ok := Listener(address); !ok || pid != os.Getpid() {
		t.Errorf("process %d listens on %s, want %d", pid, address, os.Getpid())
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for _, nobody := range []string{address, "192.0.2.1:80", "no address", "elsewhere.invalid:80"} {
		if pid, ok := Listener(nobody); ok {
			t.Errorf("process %d is said to listen on %s", pid, nobody)
		}
	}
}

func TestEldest(t *testing.T) {
	all := map[int]process{7: {parent: 5}, 5: {parent: 1}, 6: {parent: 5}}
	if pid, ok := eldest(all, []int{7, 5, 6}); !ok || pid != 5 {
		t.Errorf("the eldest is %d, want 5", pid)
	}
	if pid, ok := eldest(all, nil); ok {
		t.Errorf("the eldest of none is %d", pid)
	}
}

func TestMemory(t *testing.T) {
	needLinux(t)
	ballast := make([]byte, 64<<20)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	peak, ok := PeakMemory(os.Getpid())
	machine, known := MachineMemory()
	if !ok || !known || peak < int64(len(ballast)) || machine <= peak {
		t.Errorf("the peak is %d bytes of the machine's %d, and %d were used", peak, machine, len(ballast))
	}
	runtime.KeepAlive(ballast)
	if _, ok := PeakMemory(1 << 30); ok {
		t.Error("a process that does not exist has memory")
	}
}
