# hardy_media: decoding by libav, faces by OpenCV, Fourier transforms by kissfft, XML by pugixml.
foreach(library IN ITEMS libavformat libavcodec libavutil libswresample libswscale kissfft-float)
  pkg_check_modules(${library} REQUIRED IMPORTED_TARGET ${library})
endforeach()
find_package(pugixml REQUIRED)
# Debian's OpenCVConfig.cmake insists on every module's package; three are needed.
find_path(HARDY_OPENCV_INCLUDE opencv2/objdetect.hpp PATH_SUFFIXES opencv4 REQUIRED)
set(HARDY_OPENCV_LIBRARIES)
foreach(module IN ITEMS core imgproc objdetect)
  find_library(HARDY_OPENCV_${module} opencv_${module} REQUIRED)
  list(APPEND HARDY_OPENCV_LIBRARIES ${HARDY_OPENCV_${module}})
endforeach()

add_library(hardy_media
  media/acoustic.cc
  media/backbone_extractors.cc
  media/compare_features.cc
  media/contours.cc
  media/decode_input.cc
  media/decode_pictures.cc
  media/decode_sound.cc
  media/delimited.cc
  media/embedded_files.cc
  media/extract.cc
  media/extraction_folder.cc
  media/face_finder.cc
  media/find_backbones.cc
  media/faces.cc
  media/formants.cc
  media/graph_network.cc
  media/manet_extractor.cc
  media/pauses.cc
  media/pitch.cc
  media/script_network.cc
  media/segment_list.cc
  media/recording_job.cc
  media/segment_services.cc
  media/segment_table.cc
  media/spectrum.cc
  media/subtitles.cc
  media/tasks.cc
  media/tiers.cc
  media/transcript.cc
  media/transcript_lines.cc
  media/transcript_text.cc
  media/vector_store.cc
  media/words.cc
  media/worker.cc
)
add_library(hardy::media ALIAS hardy_media)
hardy_join_sources(hardy_media)
set(models ${CMAKE_CURRENT_SOURCE_DIR}/media/models)
set_source_files_properties(media/embedded_files.cc PROPERTIES
  COMPILE_DEFINITIONS "HARDY_MEDIA_MODELS=\"${models}\""
  SKIP_UNITY_BUILD_INCLUSION ON
  OBJECT_DEPENDS "${models}/emotion.json;${models}/emotion.bin;${models}/sentiment_words.tsv")
# Signal processing and the network are slow without optimisation, in the tests too.
set_source_files_properties(media/contours.cc media/formants.cc media/graph_network.cc
  media/pitch.cc media/spectrum.cc PROPERTIES COMPILE_OPTIONS
  "-O3;-fno-math-errno;-fno-trapping-math"
  SKIP_UNITY_BUILD_INCLUSION ON)
target_include_directories(hardy_media SYSTEM PRIVATE ${HARDY_OPENCV_INCLUDE})
target_link_libraries(hardy_media PUBLIC hardy_core
  PRIVATE hardy_backbones ${CMAKE_DL_LIBS} PkgConfig::libzip PkgConfig::libavformat PkgConfig::libavcodec PkgConfig::libavutil
    PkgConfig::libswresample PkgConfig::libswscale PkgConfig::kissfft-float pugixml::pugixml
    ${HARDY_OPENCV_LIBRARIES} $<BUILD_INTERFACE:hardy_warnings>)
