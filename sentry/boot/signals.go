package boot

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// forwardSignals gives what the host's terminal sends to its foreground process group, which is
// the sentry, to the container's: the terminal of a container is the host's, line discipline
// and all. SIGQUIT without a terminal prints the sentry's stacks.
func (s *sandbox) forwardSignals() {
	c := make(chan os.Signal, 16)
	signal.Notify(c, unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP, unix.SIGWINCH, unix.SIGHUP, unix.SIGCONT, unix.SIGTTIN, unix.SIGTTOU)
	for sig := range c {
		first := s.containers.first
		switch {
		case first.tty != nil:
			if signo := int(sig.(unix.Signal)); signo != int(unix.SIGCONT) {
				first.init.Group().SignalForeground(signo)
			}
		case sig == unix.SIGQUIT:
			s.log.Warn("stacks:\n%s", stacks())
		}
	}
}
