#include "media/decode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "hardy/errors.h"
#include "tests/media/made_recording.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

struct Sound {
  double start_s = -1;
  std::vector<std::int16_t> samples;
};

Sound sound_of(const std::filesystem::path& file) {
  Sound sound;
  SoundRequest request;
  request.consume = [&](const SoundChunk& chunk) {
    if (sound.start_s < 0) sound.start_s = chunk.start_s;
    sound.samples.insert(sound.samples.end(), chunk.samples.begin(), chunk.samples.end());
  };
  read_sound(file, request);
  return sound;
}

std::vector<Picture> pictures_of(const std::filesystem::path& file,
                                 PixelForm form = PixelForm::kBgr) {
  std::vector<Picture> pictures;
  PictureRequest request;
  request.form = form;
  request.wants = [](double) { return true; };
  request.consume = [&](const Picture& picture) { pictures.push_back(picture); };
  read_pictures(file, request);
  return pictures;
}

/// The last `size` bytes of a file: the data of a .npy.
std::string tail_of(const std::filesystem::path& file, std::size_t size) {
  const std::string text = read_text_file(file);
  return text.substr(text.size() - size);
}

std::string error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Decode, SoundAndFirstPictureAreThoseOfFfmpegByteForByte) {
  HARDY_NEEDS_SHARED("golden/media/clip.mp4");
  const auto golden = test::shared_dir() / "golden/media";
  const Sound sound = sound_of(golden / "clip.mp4");
  ASSERT_EQ(sound.samples.size(), 48298U);
  const std::string bytes(reinterpret_cast<const char*>(sound.samples.data()),
                          sound.samples.size() * 2);
  EXPECT_TRUE(bytes == tail_of(golden / "clip.16k_mono.int16.npy", bytes.size()));
  const auto pictures = pictures_of(golden / "clip.mp4");
  ASSERT_EQ(pictures.size(), 75U);
  EXPECT_EQ(pictures[0].width, 480);
  EXPECT_EQ(pictures[0].height, 360);
  const std::string first(pictures[0].pixels.begin(), pictures[0].pixels.end());
  EXPECT_TRUE(first == tail_of(golden / "clip.frame0.bgr.npy", first.size()));
  EXPECT_NEAR(pictures[74].time_s, 74 / 25.0, 0.021);
}

TEST(Decode, MeanOfTwoChannelsOfAnyRateIsWhatIsHeard) {
  HARDY_NEEDS_FFMPEG();
  const test::TempDir folder;
  ASSERT_TRUE(test::make_recording(
      "-f lavfi -i \"aevalsrc='0.5|-0.25':s=48000:d=1:c=stereo\" -c:a pcm_s16le",
      folder / "two.wav"));
  const Sound sound = sound_of(folder / "two.wav");
  EXPECT_NEAR(static_cast<double>(sound.samples.size()), 16000, 40);
  EXPECT_NEAR(sound.samples[8000], 0.125 * 32768, 3);
}

TEST(Decode, EightChannelsAt96KilohertzAreRead) {
  HARDY_NEEDS_FFMPEG();
  const test::TempDir folder;
  ASSERT_TRUE(test::make_recording(
      "-f lavfi -i \"aevalsrc='0.1|0.1|0.1|0|0.1|0.1|0.1|0.1':s=96000:d=0.5:c=7.1\" -c:a pcm_s24le",
      folder / "many.wav"));
  EXPECT_NEAR(static_cast<double>(sound_of(folder / "many.wav").samples.size()), 8000, 40);
}

TEST(Decode, ARotatedPictureIsTurnedAsFfmpegTurnsIt) {
  HARDY_NEEDS_FFMPEG();
  for (const char* degrees : {"90", "180", "270"}) {
    SCOPED_TRACE(degrees);
    const test::TempDir folder;
    const std::string flat = (folder / "flat.mp4").string();
    ASSERT_TRUE(test::make_recording(test::pictures(0.2) + "-c:v mpeg4 -q:v 2", flat));
    const auto turned = folder / "turned.mp4";
    ASSERT_TRUE(test::make_recording(
        "-i " + flat + " -c copy -metadata:s:v rotate=" + std::string(degrees), turned));
    ASSERT_TRUE(test::make_recording(
        "-i " + turned.string() + " -frames:v 1 -f rawvideo -pix_fmt bgr24", folder / "raw"));
    EXPECT_NE(probe_recording(turned).rotation, 0);
    const auto pictures = pictures_of(turned);
    ASSERT_FALSE(pictures.empty());
    EXPECT_EQ(pictures[0].width, std::string(degrees) == "180" ? 64 : 48);
    const std::string expected = read_text_file(folder / "raw");
    ASSERT_EQ(expected.size(), pictures[0].pixels.size());
    // The program rotates before the colour conversion, so chroma at edges differs slightly.
    std::size_t far = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const int own = pictures[0].pixels[i];
      far += std::abs(own - static_cast<unsigned char>(expected[i])) > 40 ? 1U : 0U;
    }
    EXPECT_LT(far, expected.size() / 50);
  }
}

TEST(Decode, PixelsThatAreNotSquareAreStretched) {
  HARDY_NEEDS_FFMPEG();
  const test::TempDir folder;
  ASSERT_TRUE(
      test::make_recording(test::pictures(0.2) + "-vf setsar=2/1 -c:v mpeg4", folder / "wide.mkv"));
  const auto pictures = pictures_of(folder / "wide.mkv");
  ASSERT_FALSE(pictures.empty());
  EXPECT_EQ(pictures[0].width, 128);
  EXPECT_EQ(pictures[0].height, 48);
}

TEST(Decode, AVariableRateKeepsItsTimes) {
  HARDY_NEEDS_FFMPEG();
  const test::TempDir folder;
  // Pictures at 0, 0.04, 0.08, .. without those between 0.2 and 1.6 s.
  ASSERT_TRUE(test::make_recording(
      test::pictures(2) + "-vf \"select='lt(t,0.2)+gt(t,1.6)'\" -vsync vfr -c:v mpeg4",
      folder / "vfr.mkv"));
  const auto pictures = pictures_of(folder / "vfr.mkv", PixelForm::kGray);
  ASSERT_GE(pictures.size(), 10U);
  EXPECT_LT(pictures[4].time_s, 0.25);
  EXPECT_GT(pictures[6].time_s, 1.5);
}

TEST(Decode, SoundThatStartsLaterIsHeardLater) {
  HARDY_NEEDS_FFMPEG();
  const test::TempDir folder;
  ASSERT_TRUE(test::make_recording(
      test::pictures(2) + "-itsoffset 0.7 " + test::tone(1) + "-c:v mpeg4 -c:a pcm_s16le",
      folder / "late.mkv"));
  EXPECT_NEAR(sound_of(folder / "late.mkv").start_s, 0.7, 0.05);
}

TEST(Decode, ACoverPictureIsNoVideo) {
  HARDY_NEEDS_FFMPEG();
  const test::TempDir folder;
  ASSERT_TRUE(test::make_recording(test::pictures(0.04) + "-frames:v 1", folder / "cover.png"));
  ASSERT_TRUE(test::make_recording(test::tone(0.5) + "-i " + (folder / "cover.png").string() +
                                       " -map 0 -map 1 -c:v copy -disposition:v attached_pic",
                                   folder / "song.m4a"));
  const RecordingFacts facts = probe_recording(folder / "song.m4a");
  EXPECT_TRUE(facts.has_sound);
  EXPECT_FALSE(facts.has_picture);
  EXPECT_EQ(error_of([&] { pictures_of(folder / "song.m4a"); }),
            "its only picture is a cover picture");
}

TEST(Decode, WhatIsNotThereHasAReason) {
  HARDY_NEEDS_FFMPEG();
  const test::TempDir folder;
  ASSERT_TRUE(test::make_recording(test::tone(0.3), folder / "sound.wav"));
  ASSERT_TRUE(test::make_recording(test::pictures(0.2) + "-c:v mpeg4", folder / "mute.mp4"));
  test::put_file(folder / "words.srt", "1\n00:00:00,000 --> 00:00:01,000\nhello\n");
  EXPECT_EQ(error_of([&] { pictures_of(folder / "sound.wav"); }), "it has no picture");
  EXPECT_EQ(error_of([&] { sound_of(folder / "mute.mp4"); }), "it has no sound");
  EXPECT_EQ(error_of([&] { sound_of(folder / "words.srt"); }), "it has no sound");
}

TEST(Decode, BrokenFilesAreRefusedByName) {
  const test::TempDir folder;
  test::put_file(folder / "empty.mp4", "");
  test::put_file(folder / "noise.mp4", std::string(5000, '\x5a'));
  const auto refused = [&](const char* name, const char* reason) {
    const std::string error = error_of([&] { probe_recording(folder / name); });
    EXPECT_NE(error.find(name), std::string::npos) << error;
    EXPECT_NE(error.find(reason), std::string::npos) << error;
  };
  refused("empty.mp4", "the file is empty");
  refused("noise.mp4", "cannot be read as a recording");
  refused("gone.mp4", "no such file");
  refused(".", "not a regular file");
}

TEST(Decode, ATruncatedMp4IsRefused) {
  HARDY_NEEDS_SHARED("golden/media/clip.mp4");
  const test::TempDir folder;
  const std::string whole = read_text_file(test::shared_dir() / "golden/media/clip.mp4");
  test::put_file(folder / "half.mp4", std::string_view(whole).substr(0, whole.size() / 2));
  const std::string error = error_of([&] { sound_of(folder / "half.mp4"); });
  EXPECT_NE(error, "no error");
}

TEST(Decode, AnEncryptedRecordingIsRefused) {
  HARDY_NEEDS_FFMPEG();
  const test::TempDir folder;
  ASSERT_TRUE(test::make_recording(
      test::tone(1) +
          "-c:a aac -encryption_scheme cenc-aes-ctr -encryption_key "
          "00112233445566778899aabbccddeeff -encryption_kid 112233445566778899aabbccddeeff00",
      folder / "locked.mp4"));
  EXPECT_EQ(error_of([&] { sound_of(folder / "locked.mp4"); }), "its sound is encrypted");
}

TEST(Decode, APlaylistOpensNoOtherFile) {
  HARDY_NEEDS_FFMPEG();
  const test::TempDir folder;
  ASSERT_TRUE(test::make_recording(test::tone(1) + "-f mpegts", folder / "part.ts"));
  test::put_file(folder / "list.m3u8",
                 "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\npart.ts\n#EXT-X-ENDLIST\n");
  test::put_file(folder / "list.ffconcat", "ffconcat version 1.0\nfile part.ts\n");
  EXPECT_NE(error_of([&] { sound_of(folder / "list.m3u8"); }), "no error");
  EXPECT_NE(error_of([&] { sound_of(folder / "list.ffconcat"); }), "no error");
}

TEST(Decode, OnePictureAMinuteIsFoundAtItsTime) {
  HARDY_NEEDS_FFMPEG();
  const test::TempDir folder;
  ASSERT_TRUE(test::make_recording(
      "-f lavfi -i testsrc=size=64x48:rate=1/60:duration=300 -c:v mpeg4", folder / "slow.mkv"));
  std::vector<double> seen;
  PictureRequest request;
  request.form = PixelForm::kGray;
  request.wants = [](double time_s) { return time_s >= 150; };
  request.consume = [&](const Picture& picture) { seen.push_back(picture.time_s); };
  request.is_done = [&] { return !seen.empty(); };
  request.next_wanted_s = [] { return 150.0; };
  read_pictures(folder / "slow.mkv", request);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_NEAR(seen[0], 180, 0.1);
}

}  // namespace
}  // namespace hardy
