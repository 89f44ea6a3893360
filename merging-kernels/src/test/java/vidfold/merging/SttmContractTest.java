package vidfold.merging;

class SttmContractTest extends ReducerContract {

  @Override
  String reducer() {
    return "sttm";
  }

  @Override
  PlainSttm.Result twin(Video video, MergeSpec spec, Retention used) {
    SttmOptions options = SttmOptions.of(spec);
    PlainSttm.Result merged = PlainSttm.merge(video, options, used.thresholds());
    return PlainGroups.of(video, merged).trim(wanted(video, spec)).result();
  }
}
