package cmd

import "github.com/seed-7423c386/runsc/runsc/container"

func pauseCommand() *command {
	return &command{
		name: "pause", synopsis: "stop all processes of a container until resume", usage: "<container-id>", min: 1, max: 1,
		examples: []string{"runsc pause web"},
		run: func(g *globals, args []string) (int, error) {
			return g.withContainer(args[0], (*container.Container).Pause)
		},
	}
}

func resumeCommand() *command {
	return &command{
		name: "resume", synopsis: "let the processes of a paused container go on", usage: "<container-id>", min: 1, max: 1,
		examples: []string{"runsc resume web"},
		run: func(g *globals, args []string) (int, error) {
			return g.withContainer(args[0], (*container.Container).Resume)
		},
	}
}

func waitCommand() *command {
	return &command{
		name: "wait", synopsis: "wait for the process of a container to end and exit with its code", usage: "<container-id>", min: 1, max: 1,
		examples: []string{"runsc wait web; echo $?"},
		run: func(g *globals, args []string) (int, error) {
			c, err := container.Load(&g.Config, args[0])
			if err != nil {
				return 0, err
			}
			return c.Wait()
		},
	}
}
