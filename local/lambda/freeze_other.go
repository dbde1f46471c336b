//go:build !linux

package lambda

import "os"

// canFreeze is false where a stopped process would stay behind when the runtime dies: nothing kills it then.
const canFreeze = false

func freezeGroup(*os.Process) {}
func thawGroup(*os.Process)   {}
