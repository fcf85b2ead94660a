package kernel

// firstStack is what a thread's goroutine is given of stack at once: as much as execve(2) needs. Otherwise
// it would grow in the middle of that, in steps, each of which copies what there is and adjusts it.
const firstStack = 12 << 10

// growStack makes room for that much; the runtime takes it back from those who do not use it.
//
//go:noinline
func growStack(at int) byte {
	var room [firstStack]byte
	room[at%len(room)] = 1
	return room[(at+1)%len(room)]
}
