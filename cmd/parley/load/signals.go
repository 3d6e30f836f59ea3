package load

// signals are what passes on the websocket of one or several people. It is a plain value.
type signals struct {
	people              int
	offers, mostOffers  int64 // of the server, in all and to the one who got most
	longest             int64 // bytes of the longest offer
	framesIn, framesOut int64 // of the websocket, as the client sees it
	bytesIn, bytesOut   int64
}

func (s *signals) add(o signals) {
	s.people += o.people
	s.offers += o.offers
	s.mostOffers = max(s.mostOffers, o.mostOffers)
	s.longest = max(s.longest, o.longest)
	s.framesIn += o.framesIn
	s.framesOut += o.framesOut
	s.bytesIn += o.bytesIn
	s.bytesOut += o.bytesOut
}

// since is what was added to the signals of one person.
func (s signals) since(earlier signals) signals {
	s.offers -= earlier.offers
	s.mostOffers = s.offers
	s.framesIn -= earlier.framesIn
	s.framesOut -= earlier.framesOut
	s.bytesIn -= earlier.bytesIn
	s.bytesOut -= earlier.bytesOut
	return s
}

// signals are the participant's so far.
func (p *participant) signals() signals {
	c := p.client.Load()
	if c == nil {
		return signals{}
	}
	seen := c.Snapshot()
	offers := int64(seen.Offers)
	return signals{
		people: 1, offers: offers, mostOffers: offers, longest: int64(seen.OfferBytes), framesIn: seen.Wire.FramesIn,
		framesOut: seen.Wire.FramesOut, bytesIn: seen.Wire.BytesIn, bytesOut: seen.Wire.BytesOut,
	}
}

// allSignals are those of everybody who has been there.
func (e *engine) allSignals() signals {
	e.mu.Lock()
	people, all := e.everybody(), e.signals
	e.mu.Unlock()
	for _, p := range people {
		all.add(p.signals())
	}
	return all
}

// Signalling is what passes on a participant's websocket from its opening to the end of the run, on average.
type Signalling struct {
	Offers     float64 `json:"offers"` // rounds of negotiation that the server began
	MostOffers int64   `json:"offers_max"`
	Offer      int64   `json:"offer_bytes_max"` // the longest among the latest of everybody
	FramesIn   float64 `json:"frames_in"`
	FramesOut  float64 `json:"frames_out"`
	BytesIn    float64 `json:"bytes_in"`
	BytesOut   float64 `json:"bytes_out"`
}

func (s signals) report() Signalling {
	each := func(n int64) float64 { return float64(n) / float64(max(1, s.people)) }
	return Signalling{
		each(s.offers), s.mostOffers, s.longest, each(s.framesIn), each(s.framesOut), each(s.bytesIn), each(s.bytesOut),
	}
}
