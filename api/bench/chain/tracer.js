// A tracer for debug_traceTransaction: gas by what it was spent on, each unit counted once, where it was spent.
// A key is kind|address|more: read|contract|slot, write|contract|slot, call|caller|callee, event, hash, transient or
// code|contract. What an operation costs is known when the next one begins: the gas that is gone, less what a call gave
// away. Most operations are code: those are added up without a name, since a tracer in JavaScript is slow.
{
  spent: {},
  frames: [],
  top: null,
  // By number of the operation: kind, and where on the stack the slot or callee is.
  kinds: {
    0x20: ["hash", -1], 0x3b: ["call", 0], 0x3c: ["call", 0], 0x3f: ["call", 0], 0x54: ["read", 0], 0x55: ["write", 0],
    0x5c: ["transient", -1], 0x5d: ["transient", -1], 0xa0: ["event", -1], 0xa1: ["event", -1], 0xa2: ["event", -1],
    0xa3: ["event", -1], 0xa4: ["event", -1], 0xf1: ["call", 1], 0xf2: ["call", 1], 0xf4: ["call", 1], 0xfa: ["call", 1],
  },
  add: function (key, gas) {
    if (gas !== 0) this.spent[key] = (this.spent[key] || 0) + gas;
  },
  open: function (address, gas) {
    this.top = { address: address, first: gas, begun: false, key: null, gas: gas, called: 0, code: 0 };
    this.frames.push(this.top);
  },
  step: function (log) {
    var gas = log.getGas();
    if (this.top === null) this.open(toHex(log.contract.getAddress()), gas);
    var frame = this.top;
    if (!frame.begun) {
      frame.begun = true;
      frame.first = gas;
    } else if (frame.key === null) {
      frame.code += frame.gas - gas - frame.called;
    } else {
      this.add(frame.key, frame.gas - gas - frame.called);
    }
    frame.gas = gas;
    frame.called = 0;
    var kind = this.kinds[log.op.toNumber()];
    if (kind === undefined) frame.key = null;
    else frame.key = kind[0] + "|" + frame.address + (kind[1] < 0 ? "" : "|" + log.stack.peek(kind[1]).toString(16));
  },
  enter: function (frame) {
    this.open(toHex(frame.getTo()), frame.getGas());
  },
  exit: function (result) {
    var frame = this.frames.pop();
    this.top = this.frames.length > 0 ? this.frames[this.frames.length - 1] : null;
    var used = result.getGasUsed();
    var last = used - (frame.first - frame.gas) - frame.called;
    if (!frame.begun) this.add("call|" + frame.address, last); // built into the chain: it has no steps
    else if (frame.key === null) frame.code += last;
    else this.add(frame.key, last);
    this.add("code|" + frame.address, frame.code);
    if (this.top !== null) this.top.called += used;
  },
  fault: function () {},
  result: function (context) {
    // The outermost frame has no exit; its last operation costs nothing.
    for (var i = 0; i < this.frames.length; ++i) this.add("code|" + this.frames[i].address, this.frames[i].code);
    return { spent: this.spent, used: context.gasUsed };
  },
}
