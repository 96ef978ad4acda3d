#include "media/transcript.h"

#include <gtest/gtest.h>

#include <string>

#include "hardy/errors.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

constexpr const char* kFirst = "You knew there was nothing I could do.";

void expect_golden(const char* name, const std::string& form, double second_end,
                   const std::string& second) {
  HARDY_NEEDS_SHARED("golden/media");
  const Transcript read = load_transcript(test::shared_dir() / "golden/media" / name);
  SCOPED_TRACE(name);
  EXPECT_EQ(read.form, form);
  ASSERT_EQ(read.cues.size(), 2U);
  EXPECT_DOUBLE_EQ(read.cues[0].start_s, 0);
  EXPECT_DOUBLE_EQ(read.cues[0].end_s, 1.35);
  EXPECT_EQ(read.cues[0].text, kFirst);
  EXPECT_DOUBLE_EQ(read.cues[1].start_s, 1.5);
  EXPECT_DOUBLE_EQ(read.cues[1].end_s, second_end);
  EXPECT_EQ(read.cues[1].text, second);
}

TEST(Transcript, GoldenFormsAreRead) {
  expect_golden("transcript.srt", "SubRip", 2.9, "I am so happy!");
  expect_golden("transcript.vtt", "WebVTT", 2.9, "I am so happy!");
  expect_golden("transcript.csv", "table", 2.9, "I am so happy!");
  expect_golden("transcript.TextGrid", "TextGrid", 3, "I am so \"happy\"!");
  expect_golden("transcript.eaf", "ELAN", 2.9, "I am so happy!");
  expect_golden("transcript.mosei.txt", "CMU-MOSEI", 2.9, "I am so happy!");
  expect_golden("transcript.iemocap.txt", "IEMOCAP", 2.9, "I am so happy!");
}

TEST(Transcript, SpeakersComeFromWhereTheFormHasThem) {
  HARDY_NEEDS_SHARED("golden/media");
  const auto speaker = [](const char* name, std::size_t cue) {
    return load_transcript(test::shared_dir() / "golden/media" / name).cues.at(cue).speaker;
  };
  EXPECT_EQ(speaker("transcript.srt", 1), "SPEAKER_01");
  EXPECT_EQ(speaker("transcript.vtt", 0), "Mary");
  EXPECT_EQ(speaker("transcript.vtt", 1), "");
  EXPECT_EQ(speaker("transcript.TextGrid", 0), "Mary");
  EXPECT_EQ(speaker("transcript.eaf", 0), "Mary");
  EXPECT_EQ(speaker("transcript.iemocap.txt", 0), "Ses01_F");
  EXPECT_EQ(speaker("transcript.iemocap.txt", 1), "Ses01_M");
}

Transcript srt(const std::string& text) { return parse_transcript(text, "a.srt"); }

TEST(Transcript, MarkupAndStageDirectionsAreNotSpoken) {
  const auto read = srt(
      "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<font color=\"red\">Well</font> [laughs] (sighs) "
      "&amp; <b>so</b>\n\n2\n00:00:03,000 --> 00:00:04,000\n[door slams]\n\n"
      "3\n00:00:05,000 --> 00:00:06,000\n\xE2\x99\xAA la la \xE2\x99\xAA\n");
  ASSERT_EQ(read.cues.size(), 2U);
  EXPECT_EQ(read.cues[0].text, "Well & so");
  EXPECT_EQ(read.cues[1].text, "la la");
  ASSERT_EQ(read.notes.size(), 1U);
  EXPECT_EQ(read.notes[0], "1 cues without spoken text were left out");
}

TEST(Transcript, LessThanSignsThatAreNoTagsStay) {
  const auto read = srt("1\n00:00:01,000 --> 00:00:02,000\n3 < 4 and 5 > 2\n");
  EXPECT_EQ(read.cues.at(0).text, "3 < 4 and 5 > 2");
}

TEST(Transcript, EncodingsAndLineEndsOfWindowsAreRead) {
  const std::string plain = "1\r\n00:00:01.000 --> 00:00:02.000\r\nnaive\r\n";
  EXPECT_EQ(srt("\xEF\xBB\xBF" + plain).cues.at(0).text, "naive");
  std::string latin = plain;
  latin.replace(latin.find("naive"), 5, "na\xEFve");
  EXPECT_EQ(srt(latin).cues.at(0).text, "na\xC3\xAFve");
  std::string wide = "\xFF\xFE";
  for (const char letter : plain) wide += std::string{letter, '\0'};
  EXPECT_EQ(srt(wide).cues.at(0).text, "naive");
}

TEST(Transcript, CuesThatOverlapStayAndThoseThatEndBeforeTheyStartDoNot) {
  const auto read = srt(
      "1\n00:00:04,000 --> 00:00:03,000\nbackwards\n\n2\n00:00:01,000 --> 00:00:05,000\nlong\n\n"
      "3\n00:00:02,000 --> 00:00:03,000\nshort\n");
  ASSERT_EQ(read.cues.size(), 2U);
  EXPECT_EQ(read.cues[0].text, "long");
  EXPECT_EQ(read.cues[1].text, "short");
  ASSERT_EQ(read.notes.size(), 2U);
  EXPECT_EQ(read.notes[0], "1 cues were left out: they end before they start");
  EXPECT_EQ(read.notes[1], "1 cues overlap the one before; both are kept");
}

TEST(Transcript, AnEmptyLineInsideACueDoesNotLoseItsRest) {
  const auto read = srt("1\n00:00:01,000 --> 00:00:02,000\nfirst\n\nsecond\n");
  ASSERT_EQ(read.cues.size(), 1U);
  EXPECT_EQ(read.cues[0].text, "first second");
}

TEST(Transcript, PrefixesInSmallLettersNeedASecondUse) {
  const auto once = srt("1\n00:00:01,000 --> 00:00:02,000\nListen: I am here\n");
  EXPECT_EQ(once.cues.at(0).text, "Listen: I am here");
  EXPECT_EQ(once.cues.at(0).speaker, "");
  const auto twice =
      srt("1\n00:00:01,000 --> 00:00:02,000\nMary: yes\n\n2\n00:00:03,000 --> 00:00:04,000\nMary: "
          "no\n");
  EXPECT_EQ(twice.cues.at(0).text, "yes");
  EXPECT_EQ(twice.cues.at(0).speaker, "Mary");
  EXPECT_EQ(srt("1\n00:00:01,000 --> 00:00:02,000\n10:30 is late\n").cues.at(0).text,
            "10:30 is late");
}

TEST(Transcript, BrokenTimesAreRefusedWithTheirLine) {
  try {
    srt("1\n00:00:01,000 --> 00:00:02,000\nfine\n\n2\n00:xx --> 00:00:04,000\nbroken\n");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("a.srt, line 6"), std::string::npos) << error.what();
  }
}

TEST(Transcript, WebVttKnowsStylesRegionsAndHoursLeftOut) {
  const auto read = parse_transcript(
      "WEBVTT - title\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\nintro\n01:02.500 --> "
      "01:03.000 line:0\n<v.loud Ann Lee>Hi <c.x>there</c><00:01:02.700> you</v>\n",
      "a.vtt");
  ASSERT_EQ(read.cues.size(), 1U);
  EXPECT_DOUBLE_EQ(read.cues[0].start_s, 62.5);
  EXPECT_EQ(read.cues[0].speaker, "Ann Lee");
  EXPECT_EQ(read.cues[0].text, "Hi there you");
  EXPECT_EQ(read.cues[0].id, "intro");
}

constexpr const char* kAligned =
    "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n0\n9\n<exists>\n2\n"
    "\"IntervalTier\"\n\"Ann - "
    "words\"\n0\n9\n4\n0\n0.5\n\"so\"\n0.5\n1\n\"then\"\n1\n3\n\"\"\n3\n4\n"
    "\"bye\"\n\"IntervalTier\"\n\"Ann - phones\"\n0\n9\n1\n0\n0.5\n\"S\"\n";

TEST(Transcript, AlignedWordsAreJoinedAtPauses) {
  const auto read = parse_transcript(kAligned, "a.TextGrid");
  ASSERT_EQ(read.cues.size(), 2U);
  EXPECT_EQ(read.cues[0].text, "so then");
  EXPECT_EQ(read.cues[0].speaker, "Ann");
  EXPECT_DOUBLE_EQ(read.cues[0].end_s, 1);
  EXPECT_EQ(read.cues[1].text, "bye");
  EXPECT_EQ(parse_transcript(kAligned, "a.TextGrid", {"Ann - phones"}).cues.at(0).text, "S");
  EXPECT_THROW(parse_transcript(kAligned, "a.TextGrid", {"Bob"}), DataError);
}

TEST(Transcript, ATextGridThatIsCutOffIsRefused) {
  const std::string whole = kAligned;
  EXPECT_THROW(parse_transcript(whole.substr(0, whole.size() - 20), "a.TextGrid"), DataError);
}

TEST(Transcript, ElanSlotsWithoutTimeTakeThatOfTheNext) {
  const auto read = parse_transcript(
      "<?xml version=\"1.0\"?><ANNOTATION_DOCUMENT><TIME_ORDER>"
      "<TIME_SLOT TIME_SLOT_ID=\"a\" TIME_VALUE=\"100\"/><TIME_SLOT TIME_SLOT_ID=\"b\"/>"
      "<TIME_SLOT TIME_SLOT_ID=\"c\" TIME_VALUE=\"900\"/></TIME_ORDER>"
      "<TIER TIER_ID=\"A\"><ANNOTATION><ALIGNABLE_ANNOTATION TIME_SLOT_REF1=\"a\" "
      "TIME_SLOT_REF2=\"b\"><ANNOTATION_VALUE>one</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>"
      "</ANNOTATION></TIER><TIER TIER_ID=\"B\"><ANNOTATION><REF_ANNOTATION ANNOTATION_REF=\"x\">"
      "<ANNOTATION_VALUE>eins</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>"
      "</ANNOTATION_DOCUMENT>",
      "a.eaf");
  ASSERT_EQ(read.cues.size(), 1U);
  EXPECT_DOUBLE_EQ(read.cues[0].end_s, 0.9);
  EXPECT_EQ(read.cues[0].speaker, "A");
}

TEST(Transcript, JsonOfBothWhispersIsRead) {
  const auto one = parse_transcript(
      R"({"text": "a b", "segments": [{"start": 0.5, "end": 1, "text": " hello"}]})", "a.json");
  ASSERT_EQ(one.cues.size(), 1U);
  EXPECT_DOUBLE_EQ(one.cues[0].start_s, 0.5);
  EXPECT_EQ(one.cues[0].text, "hello");
  const auto other = parse_transcript(
      R"({"transcription": [{"offsets": {"from": 500, "to": 1000}, "text": " hello"}]})", "a.json");
  EXPECT_DOUBLE_EQ(other.cues.at(0).end_s, 1);
  EXPECT_THROW(parse_transcript("{\"segments\": 3}", "a.json"), DataError);
  EXPECT_THROW(parse_transcript("{", "a.json"), DataError);
}

TEST(Transcript, WordsOfACtmBelongToTheirRecording) {
  const auto read = parse_transcript(
      ";; comment\nclip 1 0.0 0.3 hello 0.9\nclip 1 0.3 0.2 you\nother 1 0.1 0.2 no\n", "a.ctm");
  const auto own = cues_of(read, "folder/clip.wav");
  ASSERT_EQ(own.size(), 1U);
  EXPECT_EQ(own[0].text, "hello you");
}

TEST(Transcript, TablesOfCorporaNameTheirClips) {
  const auto gcnet = parse_transcript("name,sentence\nclip_a,one\nclip_b,two\n", "all.csv");
  ASSERT_EQ(cues_of(gcnet, "x/clip_b.mp4").size(), 1U);
  EXPECT_EQ(cues_of(gcnet, "x/clip_b.mp4")[0].text, "two");
  EXPECT_FALSE(cues_of(gcnet, "x/clip_b.mp4")[0].has_times());
  EXPECT_TRUE(cues_of(gcnet, "x/clip.mp4").empty());
  const auto mmsa =
      parse_transcript("video_id,clip_id,text,label,mode\nvid,3,\"a, b\",0.5,train\n", "label.csv");
  EXPECT_EQ(cues_of(mmsa, "Raw/vid/3.mp4").at(0).text, "a, b");
  const auto tsv =
      parse_transcript("start\tend\tspeaker\ttext\n0,5\t1,5\tAnn\tsay \"hi\"\n", "a.tsv");
  EXPECT_DOUBLE_EQ(tsv.cues.at(0).start_s, 0.5);
  EXPECT_EQ(tsv.cues.at(0).text, "say \"hi\"");
}

TEST(Transcript, APlainTextIsTheWholeRecording) {
  const auto read = parse_transcript("just\nwords\n", "clip.txt");
  ASSERT_EQ(read.cues.size(), 1U);
  EXPECT_EQ(read.cues[0].text, "just words");
  EXPECT_FALSE(read.cues[0].has_times());
  EXPECT_THROW(parse_transcript(" \n", "clip.txt"), DataError);
}

TEST(Transcript, IsFoundByStem) {
  const test::TempDir folder;
  test::put_file(folder / "clip.txt", "text");
  EXPECT_EQ(find_transcript(folder / "clip.mp4", ""), folder / "clip.txt");
  test::put_file(folder / "clip.srt", "text");
  EXPECT_EQ(find_transcript(folder / "clip.mp4", ""), folder / "clip.srt");
  EXPECT_EQ(find_transcript(folder / "other.mp4", ""), "");
  EXPECT_EQ(find_transcript("elsewhere/clip.mp4", folder.path()), folder / "clip.srt");
}

}  // namespace
}  // namespace hardy
