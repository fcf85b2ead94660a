package control

// Network hands the interfaces of the container's host-side network namespace to the sandbox,
// after hooks have set them up and before the container starts. The files sent along are packet
// sockets (packet(7)) with virtio-net headers, one for each of NetworkArgs.Links, in order.
var Network = Method[NetworkArgs, Empty]{"network"}

// NetworkArgs is what the namespace had; the sandbox takes it over.
type NetworkArgs struct {
	ID         string
	Links      []NetLink
	Routes     []NetRoute
	Neighbours []NetNeighbour
	// Resolver says that a socket follows those of Links that is connected to Docker's resolver at 127.0.0.11, and Servers
	// are whom that would ask in turn.
	Resolver bool
	Servers  [][]byte
}

// NetLink is an Ethernet interface.
type NetLink struct {
	Index int32
	Name  string
	MTU   uint32
	MAC   [6]byte
	Addrs []NetAddr
}

// NetAddr is an address of an interface.
type NetAddr struct {
	IP     []byte
	Prefix uint8
	Scope  uint8
}

// NetRoute is a route that does not follow from an address. An empty Dst is the default.
type NetRoute struct {
	Link     int32
	IPv6     bool
	Dst      []byte
	Prefix   uint8
	Gateway  []byte
	Src      []byte
	Metric   uint32
	Scope    uint8
	Type     uint8
	Protocol uint8
}

// NetNeighbour is a neighbour that was entered by hand.
type NetNeighbour struct {
	Link int32
	IP   []byte
	MAC  [6]byte
}
