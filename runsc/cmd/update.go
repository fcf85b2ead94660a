package cmd

import (
	"flag"
	"io"
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-7423c386/runsc/runsc/container"
	"github.com/seed-7423c386/runsc/runsc/spec"
)

// updateFlags are the flags of update: a file, or single values of which 0 leaves things be.
type updateFlags struct {
	resources              string
	memory, swap, soft     int64
	quota, pids            int64
	shares, period, weight uint64
	cpus, mems             string
}

func (f *updateFlags) register(fs *flag.FlagSet) {
	stringFlag(fs, &f.resources, "resources", "r", "", "file with linux.resources as JSON, - for standard input")
	fs.Int64Var(&f.memory, "memory", 0, "memory limit in bytes")
	fs.Int64Var(&f.swap, "memory-swap", 0, "memory and swap limit in bytes")
	fs.Int64Var(&f.soft, "memory-reservation", 0, "memory to leave under pressure, in bytes")
	fs.Uint64Var(&f.shares, "cpu-share", 0, "relative share of processor time")
	fs.Uint64Var(&f.period, "cpu-period", 0, "period of --cpu-quota in µs")
	fs.Int64Var(&f.quota, "cpu-quota", 0, "processor time in a period in µs")
	fs.StringVar(&f.cpus, "cpuset-cpus", "", "processors to use")
	fs.StringVar(&f.mems, "cpuset-mems", "", "memory nodes to use")
	fs.Int64Var(&f.pids, "pids-limit", 0, "number of tasks")
	fs.Uint64Var(&f.weight, "blkio-weight", 0, "relative share of disks, 10 to 1000")
}

func updateCommand() *command {
	var f updateFlags
	return &command{
		name: "update", synopsis: "change the limits of a container", usage: "<container-id>", min: 1, max: 1,
		examples: []string{"runsc update --memory 536870912 --cpu-quota 150000 web"},
		flags:    f.register,
		run: func(g *globals, args []string) (int, error) {
			res, err := f.limits()
			if err != nil {
				return 0, err
			}
			return g.withContainer(args[0], func(c *container.Container) error { return c.Update(res) })
		},
	}
}

func (f *updateFlags) limits() (*specs.LinuxResources, error) {
	res := new(specs.LinuxResources)
	if f.resources != "" {
		in := os.Stdin
		if f.resources != "-" {
			var err error
			if in, err = os.Open(f.resources); err != nil {
				return nil, err
			}
			defer in.Close()
		}
		raw, err := io.ReadAll(io.LimitReader(in, 1<<20))
		if err != nil {
			return nil, err
		}
		return res, spec.Unmarshal(raw, res, f.resources)
	}
	weight := uint16(f.weight)
	res.Memory = &specs.LinuxMemory{Limit: &f.memory, Swap: &f.swap, Reservation: &f.soft}
	res.CPU = &specs.LinuxCPU{Shares: &f.shares, Period: &f.period, Quota: &f.quota, Cpus: f.cpus, Mems: f.mems}
	res.BlockIO = &specs.LinuxBlockIO{Weight: &weight}
	if f.pids != 0 {
		res.Pids = &specs.LinuxPids{Limit: &f.pids}
	}
	return res, nil
}
