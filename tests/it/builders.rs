//! The example payloads again, written with the builders: what a user would type to get each of
//! them.

use ark_video_model::{
    AudioSource, CreateTaskRequest, DraftToVideo, FirstAndLastFrame, ImageSource, ImageToVideo,
    ReferenceToVideo, TextToVideo, VideoSource,
};

/// The request of an example file, or `None` where no builder makes it.
pub(crate) fn built(file: &str) -> Option<CreateTaskRequest> {
    Some(match file {
        "p01-text-smallest.json" => TextToVideo::new("doubao-seedance-2-0-260128", "A marble rolls down a wooden stair, one step at a time.")
            .build(),
        "p02-text-2-5-every-common-field.json" => TextToVideo::new("doubao-seedance-2-5-260628", "Morning mist lifts off a mountain lake while a rowing boat glides past. (solo cello) <a loon calls>")
            .resolution("1080p")
            .ratio("21:9")
            .duration(12)
            .generate_audio(true)
            .watermark(false)
            .return_last_frame(true)
            .output_format("mp4")
            .priority(0)
            .execution_expires_after(172800)
            .build(),
        "p03-text-auto-duration.json" => TextToVideo::new("dreamina-seedance-2-5-260628", "A small drone sorts letters in an empty post office, then bows.")
            .duration(-1)
            .build(),
        "p04-text-2-0-fast-silent.json" => TextToVideo::new("doubao-seedance-2-0-fast-260128", "雨夜的旧书摊，摊主收伞，手持镜头缓慢推近。")
            .resolution("480p")
            .ratio("9:16")
            .duration(4)
            .generate_audio(false)
            .build(),
        "p05-text-2-0-mini.json" => TextToVideo::new("dreamina-seedance-2-0-mini-260615", "A windmill turns above a field of barley.")
            .resolution("720p")
            .ratio("4:3")
            .duration(6)
            .build(),
        "p06-text-2-0-4k.json" => TextToVideo::new("doubao-seedance-2-0-260128", "Flight over a glacier at noon, no people.")
            .resolution("4k")
            .ratio("16:9")
            .duration(10)
            .build(),
        "p07-text-1-0-seed-fixed-camera.json" => TextToVideo::new("doubao-seedance-1-0-pro-250528", "A candle burns down on a window sill, frost outside.")
            .resolution("1080p")
            .ratio("1:1")
            .duration(2)
            .seed(42)
            .camera_fixed(true)
            .watermark(true)
            .build(),
        "p08-text-1-0-fast-frames.json" => TextToVideo::new("seedance-1-0-pro-fast-251015", "A diver leaves the high board.")
            .resolution("720p")
            .ratio("16:9")
            .frames(57)
            .build(),
        "p09-text-web-search.json" => TextToVideo::new("doubao-seedance-2-0-260128", "Show the emblem of this year's world exposition unfolding like paper.")
            .ratio("16:9")
            .duration(8)
            .web_search()
            .build(),
        "p10-text-legacy-flags.json" => TextToVideo::new("doubao-seedance-1-0-pro-250528", "A paper lantern rises over a harbour --rs 720p --rt 16:9 --dur 5 --seed 11 --cf false --wm true")
            .build(),
        // No builder makes it: ImageToVideo always writes the role, and this case is about its
        // absence.
        "p11-first-frame-role-left-out.json" => return None,
        "p12-first-frame-base64-no-text.json" => ImageToVideo::new("doubao-seedance-2-0-260128", ImageSource::data("png", b"\x89PNG\x0d\x0a\x1a\x0a"))
            .ratio("adaptive")
            .duration(5)
            .build(),
        "p13-first-and-last-frame-2-5.json" => FirstAndLastFrame::new("doubao-seedance-2-5-260628", ImageSource::url("https://media.example.com/chrysalis.png"), ImageSource::url("https://media.example.com/butterfly.png"))
            .prompt("The chrysalis splits and wings unfold.")
            .ratio("adaptive")
            .duration(8)
            .build(),
        "p14-first-and-last-frame-loop.json" => FirstAndLastFrame::new("doubao-seedance-1-5-pro-251215", ImageSource::url("https://media.example.com/wheel.webp"), ImageSource::url("https://media.example.com/wheel.webp"))
            .prompt("The Ferris wheel makes one full turn.")
            .resolution("1080p")
            .duration(4)
            .camera_fixed(true)
            .build(),
        "p15-first-frame-chained.json" => ImageToVideo::new("doubao-seedance-2-0-260128", ImageSource::url("https://ark-content-generation-cn-beijing.tos-cn-beijing.volces.com/doubao-seedance-2-0/0217952100000000000000000000000c0ffee_last.jpeg?X-Tos-Expires=86400"))
            .prompt("He steps off the tram and looks up.")
            .duration(5)
            .return_last_frame(true)
            .build(),
        "p16-references-images.json" => ReferenceToVideo::new("doubao-seedance-2-0-260128")
            .prompt("The cyclist of Image 1 rides through the tunnel of Image 2.")
            .image(ImageSource::url("https://media.example.com/cyclist.png"))
            .image(ImageSource::url("https://media.example.com/tunnel.png"))
            .ratio("16:9")
            .duration(10)
            .build(),
        "p17-references-image-video-audio.json" => ReferenceToVideo::new("doubao-seedance-2-0-260128")
            .prompt("Keep the camera move of Video 1 and the song of Audio 1; begin on Image 1 and close on Image 2.")
            .image(ImageSource::url("https://media.example.com/kettle-1.jpg"))
            .image(ImageSource::url("https://media.example.com/kettle-2.jpg"))
            .video(VideoSource::url("https://media.example.com/walk.mp4"))
            .audio(AudioSource::url("https://media.example.com/song.mp3"))
            .generate_audio(true)
            .ratio("21:9")
            .duration(11)
            .watermark(false)
            .build(),
        "p18-references-audio-base64.json" => ReferenceToVideo::new("dreamina-seedance-2-0-260128")
            .prompt("Image 1 recites the poem of Audio 1.")
            .image(ImageSource::url("https://media.example.com/poet.jpg"))
            .audio(AudioSource::data("wav", b"RIFF$\x00\x00\x00WAVE"))
            .duration(-1)
            .build(),
        "p19-references-video-audio.json" => ReferenceToVideo::new("dreamina-seedance-2-0-fast-260128")
            .prompt("A couple repeats the steps seen in Video 1 while Audio 1 plays.")
            .video(VideoSource::url("https://media.example.com/tango.mov"))
            .audio(AudioSource::url("https://media.example.com/tango.mp3"))
            .resolution("720p")
            .duration(12)
            .build(),
        "p20-references-audio-alone.json" => ReferenceToVideo::new("doubao-seedance-2-5-260628")
            .prompt("Northern lights that pulse with Audio 1.")
            .audio(AudioSource::url("https://media.example.com/organ.wav"))
            .ratio("16:9")
            .duration(20)
            .build(),
        "p21-references-assets.json" => ReferenceToVideo::new("dreamina-seedance-2-0-260128")
            .prompt("The presenter of Image 1 explains the weather map.")
            .image(ImageSource::asset("asset-20260518093000-qk4zs"))
            .video(VideoSource::asset("asset-20260518093115-w8mfd"))
            .ratio("9:16")
            .duration(15)
            .build(),
        "p22-edit-by-prompt-2-0.json" => ReferenceToVideo::new("doubao-seedance-2-0-260128")
            .prompt("In Video 1, replace the yellow umbrella; use the one from Image 1.")
            .video(VideoSource::url("https://media.example.com/crossing.mp4"))
            .image(ImageSource::url("https://media.example.com/umbrella.png"))
            .duration(-1)
            .ratio("adaptive")
            .build(),
        "p23-references-1-0-lite.json" => ReferenceToVideo::new("doubao-seedance-1-0-lite-i2v-250428")
            .prompt("[Image 1] shares a bench with [Image 2].")
            .image(ImageSource::url("https://media.example.com/grandmother.png"))
            .image(ImageSource::url("https://media.example.com/heron.png"))
            .resolution("720p")
            .ratio("16:9")
            .duration(5)
            .build(),
        "p24-edit-2-5-to-mov.json" => ReferenceToVideo::new("dreamina-seedance-2-5-260628")
            .prompt("Edit Video 1 so that only the red car is left; remove the others.")
            .video(VideoSource::url("https://media.example.com/crossroads.mov"))
            .omni_reference_task_type("edit")
            .ratio("adaptive")
            .duration(-1)
            .output_format("mov")
            .build(),
        "p25-extend-2-5.json" => ReferenceToVideo::new("doubao-seedance-2-5-260628")
            .prompt("Extend Video 1 forward until the balloon has landed in the meadow.")
            .video(VideoSource::url("https://media.example.com/balloon.mp4"))
            .omni_reference_task_type("extend")
            .ratio("adaptive")
            .duration(8)
            .build(),
        "p26-reference-2-5-free-ratio.json" => ReferenceToVideo::new("doubao-seedance-2-5-260628")
            .prompt("Flight path of Video 1, castle of Image 1.")
            .video(VideoSource::url("https://media.example.com/flight.mp4"))
            .image(ImageSource::url("https://media.example.com/castle.jpg"))
            .omni_reference_task_type("reference")
            .ratio("9:16")
            .duration(30)
            .resolution("720p")
            .build(),
        "p27-auto-2-5-safest.json" => ReferenceToVideo::new("doubao-seedance-2-5-260628")
            .prompt("Make it winter in Video 1: change the blossom to snow.")
            .video(VideoSource::url("https://media.example.com/orchard.mp4"))
            .omni_reference_task_type("auto")
            .ratio("adaptive")
            .duration(-1)
            .build(),
        "p28-draft-2-5-first-step.json" => ImageToVideo::new("doubao-seedance-2-5-260628", ImageSource::url("https://media.example.com/carpenter.png"))
            .prompt("一位老木匠拿起刨子，木屑飞起，他抬头微笑。")
            .resolution("480p")
            .ratio("adaptive")
            .duration(5)
            .draft(true)
            .build(),
        "p29-draft-2-5-final.json" => DraftToVideo::new("doubao-seedance-2-5-260628", "cgt-20261119142205-r7w2d")
            .resolution("1080p")
            .output_format("mov")
            .watermark(false)
            .build(),
        "p30-draft-1-5-first-step.json" => TextToVideo::new("doubao-seedance-1-5-pro-251215", "A skateboard rolls down an empty ramp.")
            .resolution("480p")
            .ratio("16:9")
            .duration(6)
            .seed(20)
            .draft(true)
            .build(),
        "p31-draft-1-5-final.json" => DraftToVideo::new("doubao-seedance-1-5-pro-251215", "cgt-20260314083040-m4t9v")
            .resolution("720p")
            .watermark(false)
            .return_last_frame(true)
            .service_tier("default")
            .build(),
        "p32-draft-premium-final-4k.json" => DraftToVideo::new("dreamina-seedance-2-5-premium-260915", "cgt-20261119160010-h6b3n")
            .resolution("4k")
            .build(),
        "p33-flex-deadline-callback.json" => TextToVideo::new("doubao-seedance-1-0-pro-250528", "Clouds race over a desert observatory.")
            .service_tier("flex")
            .execution_expires_after(86400)
            .callback_url("https://hooks.example.com/seedance/4be07d")
            .resolution("720p")
            .ratio("16:9")
            .duration(10)
            .build(),
        "p34-endpoint-priority-end-user.json" => TextToVideo::new("ep-20260822154500-vtx3q", "Two violinists rehearse in a stairwell.")
            .priority(9)
            .safety_identifier("u-b27c90e4")
            .duration(5)
            .ratio("16:9")
            .build(),
        "p35-nulls-everywhere.json" => TextToVideo::new("doubao-seedance-2-0-260128", "A weather vane spins before the storm.")
            .ratio("16:9")
            .duration(5)
            .build(),
        "p36-plan-name.json" => TextToVideo::new("doubao-seedance-2.0-fast", "A hedgehog drinks from a puddle.")
            .resolution("480p")
            .duration(4)
            .build(),
        "p37-text-2-5-long-take.json" => TextToVideo::new("dreamina-seedance-2-5-260628", "One take down a spiral staircase to a jazz cellar. {Mind the last step!}")
            .resolution("480p")
            .ratio("16:9")
            .duration(30)
            .watermark(false)
            .build(),
        "vendor-tea.json" => ReferenceToVideo::new("doubao-seedance-2-0-260128")
            .prompt("全程使用视频1的第一视角构图,全程使用音频1作为背景音乐。第一人称视角果茶宣传广告,seedance牌「苹苹安安」苹果果茶限定款;首帧为图片1,你的手摘下一颗带晨露的阿克苏红苹果,轻脆的苹果碰撞声;2-4 秒:快速切镜,你的手将苹果块投入雪克杯,加入冰块与茶底,用力摇晃,冰块碰撞声与摇晃声卡点轻快鼓点,背景音:「鲜切现摇」;4-6 秒:第一人称成品特写,分层果茶倒入透明杯,你的手轻挤奶盖在顶部铺展,在杯身贴上粉红包标,镜头拉近看奶盖与果茶的分层纹理;6-8 秒:第一人称手持举杯,你将图片2中的果茶举到镜头前(模拟递到观众面前的视角),杯身标签清晰可见,背景音「来一口鲜爽」,尾帧定格为图片2。背景声音统一为女生音色。")
            .image(ImageSource::url("https://ark-project.tos-cn-beijing.volces.com/doc_image/r2v_tea_pic1.jpg"))
            .image(ImageSource::url("https://ark-project.tos-cn-beijing.volces.com/doc_image/r2v_tea_pic2.jpg"))
            .video(VideoSource::url("https://pro.filesystem.site/cdn/20260403/0e80a635b859e7716671a40d836135.mp4"))
            .audio(AudioSource::url("https://ark-project.tos-cn-beijing.volces.com/doc_audio/r2v_tea_audio1.mp3"))
            .generate_audio(true)
            .ratio("21:9")
            .duration(11)
            .watermark(false)
            .build(),
        other => panic!("write {other} with a builder, or say why none makes it"),
    })
}
