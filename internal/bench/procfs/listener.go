package procfs

import (
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Listener finds the process that listens on a TCP address of this machine,
// HOST:PORT. Of several that share the socket it is the one that the others
// descend from.
func Listener(address string) (pid int, ok bool) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0, false
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || !isLocal(host) {
		return 0, false
	}
	sockets := listening(uint16(port))
	if len(sockets) == 0 {
		return 0, false
	}
	var holders []int
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0, false
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || !slices.Contains(sockets, target) {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(link, "/")[2]); err == nil && !slices.Contains(holders, pid) {
			holders = append(holders, pid)
		}
	}
	return eldest(everything(), holders)
}

// eldest is the one whose parent is none of them.
func eldest(all map[int]process, pids []int) (int, bool) {
	for _, pid := range pids {
		if !slices.Contains(pids, all[pid].parent) {
			return pid, true
		}
	}
	return 0, false
}

// isLocal says whether the host is this machine.
func isLocal(host string) bool {
	if host == "localhost" {
		return true
	}
	wanted, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if wanted.IsLoopback() {
		return true
	}
	ours, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range ours {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr() == wanted {
			return true
		}
	}
	return false
}

// listening gives the sockets that listen on a port, as /proc/PID/fd names
// them. Each line of /proc/net/tcp is a socket: number, local address and port
// in hexadecimal, remote address, state (0A listens), and the inode as the
// tenth field.
func listening(port uint16) []string {
	wanted := strings.ToUpper(hex.EncodeToString([]byte{byte(port >> 8), byte(port)}))
	var sockets []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) >= 10 && f[3] == "0A" && strings.HasSuffix(f[1], ":"+wanted) {
				sockets = append(sockets, "socket:["+f[9]+"]")
			}
		}
	}
	return sockets
}
