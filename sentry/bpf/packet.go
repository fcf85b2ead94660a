package bpf

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/seed-7423c386/runsc/abi/linux"
)

// Programs over packets, as sockets attach them (SO_ATTACH_FILTER in socket(7), packet(7)): those of seccomp, with
// loads of bytes, half words and words at any place, and of what is known of a packet beside its bytes.

// Codes of loads from packets. Places from ancillary on are not in the packet.
const (
	ldAbsH, ldAbsB         = 0x28, 0x30
	ldIndW, ldIndH, ldIndB = 0x40, 0x48, 0x50
	ldxMsh                 = 0xb1
	modK, modX             = 0x94, 0x9c

	ancillary  = 0xfffff000 // SKF_AD_OFF
	linkLayer  = 0xffe00000 // SKF_LL_OFF
	netLayer   = 0xfff00000 // SKF_NET_OFF
	adProtocol = 0
	adPktType  = 4
	adIfIndex  = 8
	adNlattr   = 12
	adMark     = 20
	adQueue    = 24
	adHatype   = 28
	adRxHash   = 32
	adCPU      = 36
	adVlanTag  = 44
	adVlanHas  = 48
	adPayload  = 52
	adRandom   = 56
	adVlanType = 60
)

// Packet is what a program looks at.
type Packet struct {
	Data     []byte // from where the socket's data begins
	Link     []byte // from the link-layer header on, if Data is a part of it
	Net      []byte // from the network header on
	Protocol uint16
	Kind     uint32 // PACKET_HOST and so on
	Index    int32
	Hatype   uint16
	Mark     uint32
}

// ParsePacket decodes and checks a program over packets.
func ParsePacket(b []byte) (Program, linux.Errno) {
	if len(b) == 0 || len(b)%8 != 0 || len(b)/8 > MaxInsns {
		return nil, linux.EINVAL
	}
	p := make(Program, len(b)/8)
	for i := range p {
		e := b[i*8:]
		p[i] = Insn{binary.LittleEndian.Uint16(e), e[2], e[3], binary.LittleEndian.Uint32(e[4:])}
		switch in := p[i]; in.Code {
		case ldAbs, ldAbsH, ldAbsB:
			if in.K >= ancillary && !knownAncillary(in.K-ancillary) {
				return nil, linux.EINVAL
			}
		case ldIndW, ldIndH, ldIndB, ldxMsh, modX:
		case modK:
			if in.K == 0 {
				return nil, linux.EINVAL
			}
		default:
			if !in.valid(uint32(len(p) - i - 1)) {
				return nil, linux.EINVAL
			}
		}
	}
	if last := p[len(p)-1].Code; last != retK && last != retA {
		return nil, linux.EINVAL
	}
	return p, p.checkMemory()
}

func knownAncillary(off uint32) bool {
	switch off {
	case adProtocol, adPktType, adIfIndex, adMark, adQueue, adHatype, adRxHash, adCPU, adVlanTag, adVlanHas, adPayload, adRandom, adVlanType:
		return true
	}
	return false
}

// RunPacket returns how many bytes of the packet the checked program p takes, 0 for none.
func (p Program) RunPacket(k *Packet) uint32 {
	var a, x uint32
	var mem [memWords]uint32
	ok := true
	for pc := 0; ok; pc++ {
		in := &p[pc]
		switch in.Code {
		case ldAbs:
			a, ok = k.load(in.K, 4)
		case ldAbsH:
			a, ok = k.load(in.K, 2)
		case ldAbsB:
			a, ok = k.load(in.K, 1)
		case ldIndW:
			a, ok = k.load(in.K+x, 4)
		case ldIndH:
			a, ok = k.load(in.K+x, 2)
		case ldIndB:
			a, ok = k.load(in.K+x, 1)
		case ldxMsh:
			x, ok = k.load(in.K, 1)
			x = x & 15 * 4
		case ldLen:
			a = uint32(len(k.Data))
		case ldxLen:
			x = uint32(len(k.Data))
		case ldImm:
			a = in.K
		case ldMem:
			a = mem[in.K]
		case ldxImm:
			x = in.K
		case ldxMem:
			x = mem[in.K]
		case st:
			mem[in.K] = a
		case stx:
			mem[in.K] = x
		case tax:
			x = a
		case txa:
			a = x
		case retK:
			return in.K
		case retA:
			return a
		case ja:
			pc += int(in.K)
		case modK:
			a %= in.K
		case divX, modX:
			if x == 0 {
				return 0
			}
			if in.Code == divX {
				a /= x
			} else {
				a %= x
			}
		default:
			if in.Code&7 == 5 {
				pc += in.jump(a, x)
			} else {
				a = in.alu(a, x)
			}
		}
	}
	return 0
}

// load reads n bytes at a place: false if they are not there.
func (k *Packet) load(off, n uint32) (uint32, bool) {
	b := k.Data
	switch {
	case off >= ancillary:
		return k.ancillary(off - ancillary)
	case off >= netLayer:
		b, off = k.Net, off-netLayer
	case off >= linkLayer:
		b, off = k.Link, off-linkLayer
	}
	if uint64(off)+uint64(n) > uint64(len(b)) {
		return 0, false
	}
	switch b = b[off:]; n {
	case 1:
		return uint32(b[0]), true
	case 2:
		return uint32(binary.BigEndian.Uint16(b)), true
	}
	return binary.BigEndian.Uint32(b), true
}

func (k *Packet) ancillary(off uint32) (uint32, bool) {
	switch off {
	case adProtocol:
		return uint32(k.Protocol), true
	case adPktType:
		return k.Kind, true
	case adIfIndex:
		return uint32(k.Index), true
	case adHatype:
		return uint32(k.Hatype), true
	case adMark:
		return k.Mark, true
	case adRandom:
		return rand.Uint32(), true
	}
	return 0, true
}
