class Sampler(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool

  # logits [V] of any dtype, `seen` [n] token ids already in the sequence, `u` uniform in [0, 1) ->
  # f32 [2 + 2 * top]: token, its log-probability under the unmodified logits, the `top` most likely tokens,
  # their log-probabilities.
  def sample(self: __torch__.Sampler, logits: Tensor, seen: Tensor, temperature: float, top_k: int, top_p: float, penalty: float, u: float, top: int) -> Tensor:
    raw = torch.to(logits, 6)
    logprobs = torch.log_softmax(raw, 0)
    scores = raw
    if torch.ne(penalty, 1.):
      at = torch.index_select(raw, 0, seen)
      scores = torch.index_copy(raw, 0, seen, torch.where(torch.gt(at, 0), torch.div(at, penalty), torch.mul(at, penalty)))
    if torch.eq(temperature, 0.):
      token = torch.argmax(scores)
    else:
      token = self.draw(torch.div(scores, temperature), top_k, top_p, u)
    parts = [torch.to(torch.view(token, [1]), 6), torch.view(torch.index_select(logprobs, 0, torch.view(token, [1])), [1])]
    if torch.gt(top, 0):
      values, ids = torch.topk(logprobs, top)
      _1 = torch.append(parts, torch.to(ids, 6))
      _2 = torch.append(parts, values)
    return torch.cat(parts, 0)

  # logits [B, V] -> f32 [B, 2]: the most likely token of each row and its log-probability
  def most_likely(self: __torch__.Sampler, logits: Tensor) -> Tensor:
    raw = torch.to(logits, 6)
    token = torch.argmax(raw, 1, True)
    return torch.cat([torch.to(token, 6), torch.gather(torch.log_softmax(raw, 1), 1, token)], 1)

  # Inverse-CDF draw among the top_k and then the smallest set whose probability reaches top_p.
  def draw(self: __torch__.Sampler, scores: Tensor, top_k: int, top_p: float, u: float) -> Tensor:
    ordered, ids = torch.sort(scores, 0, True)
    if torch.__and__(torch.gt(top_k, 0), torch.lt(top_k, torch.size(ordered, 0))):
      ordered = torch.narrow(ordered, 0, 0, top_k)
    p = torch.softmax(torch.to(ordered, 7), 0)
    before = torch.sub(torch.cumsum(p, 0), p)
    kept = torch.mul(p, torch.to(torch.lt(before, top_p), 7))
    total = torch.cumsum(kept, 0)
    target = torch.mul(torch.select(total, 0, -1), u)
    place = torch.sum(torch.to(torch.le(total, target), 4))
    last = torch.sub(torch.sum(torch.to(torch.gt(kept, 0), 4)), 1)
    return torch.index_select(ids, 0, torch.view(torch.minimum(place, last), [1]))
