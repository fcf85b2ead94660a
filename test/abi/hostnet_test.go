package abi

import "testing"

// notOnHost are programs of the area inet that cannot be as on the host when the sockets are the host's: what
// the host does not let an unprivileged process do, or what is the sandbox's own affair.
var notOnHost = map[string]string{
	"interfaces":   "interfaces are shown, but not the application's to change",
	"netlink":      "interfaces are shown, but not the application's to change",
	"packet":       "packet sockets are not handed through",
	"packet_ring":  "packet sockets are not handed through",
	"sockdiag":     "the host's sockets are not listed",
	"read_edge":    "a read takes the part of a segment for which there is memory",
	"filters":      "programs are not attached, raw sockets are not handed through",
	"tcp_filter":   "programs are not attached",
	"udplite":      "its options are not handed through",
	"zerocopy":     "MSG_ZEROCOPY is not handed through: its completions would need the host's error queue",
	"ping":         "raw sockets are not handed through",
	"sock_options": "raw sockets, SO_MARK and priorities need capabilities that the sentry does not have",
	"tcp_options":  "an option of no level",
	"more_options": "raw sockets are not handed through",
	"raw_errors":   "raw sockets are not handed through",
	"tcp_counts":   "/proc/net/snmp is of the sandbox's own stack",

	"peek_off":      "with MSG_TRUNC the host does not say how much of a datagram was behind the offset",
	"dont_fragment": "raw sockets are not handed through",
	"port_range":    "others on the machine may have ports of a range that is to be full",
	"raw_headers":   "raw sockets are not handed through",
	"mcast_source":  "IP_MSFILTER is not handed through, which asks with the value",
	"timestamps":    "SIOCGSTAMP is not handed through",
	"socket_args":   "raw sockets are not handed through",
	"filter_lock":   "programs are not attached",
	"empty_sends":   "raw sockets are not handed through, and what is before a bad piece of memory is sent",
	"ip_flags":      "many of these options are not handed through",
	"ip6_flags":     "many of these options are not handed through",
	"opt_lengths":   "options of no level",
	"so_identity":   "SO_MARK, SO_DEBUG and priorities need capabilities that the sentry does not have",
	"reuseport":     "the host's sockets have one owner, whoever made them inside",

	// The host's edges come by another thread: one that has been looked at meanwhile is told again.
	"sigio":            "the host's edges tell of room to write, too",
	"edges":            "an edge may be told twice",
	"epoll_many_ready": "an edge may be told twice",
	"tcp_nonblock":     "an edge may be told twice",
	"udp_errors":       "select(2) with SO_SELECT_ERR_QUEUE",
}

// TestHostNetwork compares sockets of the host, handed through (--network=host), with the same sockets outside.
func TestHostNetwork(t *testing.T) {
	all, root, host := prepare(t)
	var list []*program
	for _, p := range all {
		if p.area == "inet" && notOnHost[p.name] == "" {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		t.Skip("-run names none of these programs")
	}
	inside, err := runSandbox(t, root, list, "systrap", "--network", "host")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		want, got := host[p.path()], inside[p.path()]
		if got.status != want.status || got.output != want.output {
			t.Errorf("%s: %s (host: %s); - host, + sandbox\n%s%s", p.name, got.status, want.status, diff(want.output, got.output), got.note)
		}
	}
}
